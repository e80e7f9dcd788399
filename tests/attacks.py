"""Submissions that try to get points, to learn the hidden tests, or to harm; for `test_grading_attacks`.

Each is the code of the answer `total`, and wrong: whoever gets more than the 4 points of `mean` has stolen
them. The hidden test asks for the sums of `np.ones((5, 7, 7))`, and says "total of others".
"""

WRONG = "\ndef total(maps):\n    return 0 * maps.sum(axis=(1, 2)) - 1\n"
INSIDE = "\ndef total(maps):\n    {}\n    return 0 * maps.sum(axis=(1, 2)) - 1\n"


def inside(*lines):
    """Code that runs when the function is called."""
    return INSIDE.format("\n    ".join(lines))


# The module that answers, whatever it is called, and the lines on which it does.
FIND = """import gc
found = next(g for g in gc.get_objects() if isinstance(g, dict) and 'stand_in' in g and 'Shell' in g)
class Its:
    def __setattr__(self, name, value): found[name] = value
answering = Its()
"""
LINE = """import gc, multiprocessing.connection as mc
def lines(): return [c for c in gc.get_objects() if type(c) is mc.Connection and not c.closed]
"""

# What compares and reports is replaced, in the process where the code runs.
REPLACES = {
    "names": "compare = close = own_work = lambda *a, **k: None" + WRONG,
    "module": "from course_utils import grading\ngrading.close = lambda *a, **k: None" + WRONG,
    "code_object": "from course_utils import grading\ngrading.close.__code__ = (lambda *a, **k: None).__code__"
    + WRONG,
    "np_abs": "_abs = np.abs\nnp.abs = lambda x: _abs(0 * np.asarray(x, float))" + WRONG,
    "np_asarray": "np.asarray = lambda x, *a, **k: np.zeros(2)" + WRONG,
    "np_isfinite": "np.isfinite = lambda x: np.bool_(True)" + WRONG,
    "builtins_max": "import builtins\nbuiltins.max = lambda *a: 1e9\nbuiltins.float = builtins.int = lambda x: 0"
    + WRONG,
    "assertion_error": "import builtins\nbuiltins.AssertionError = type('A', (BaseException,), {})" + WRONG,
    "ast_transformer": "import ast\nclass T(ast.NodeTransformer):\n    def visit_Assert(self, n): return ast.Pass()\n"
    "    def visit_Call(self, n): return ast.Constant(None)\nget_ipython().ast_transformers.append(T())"
    + WRONG,
    "input_transformer": "get_ipython().input_transformers_post.append(lambda lines: ['pass\\n'])" + WRONG,
    "run_cell": "get_ipython().run_cell = lambda *a, **k: None\nget_ipython().showtraceback = lambda *a, **k: None"
    + WRONG,
    "equal_to_all": "class E(float):\n    def __eq__(self, o): return True\n    def __sub__(self, o): return 0.0\n"
    "    __rsub__ = __sub__\n    __hash__ = None\ndef total(maps):\n    return [E(5), E(5)]",
    "array_subclass": "class A(np.ndarray):\n    def __array_ufunc__(self, *a, **k): return np.zeros(2, bool)\n"
    "    def __array_function__(self, *a, **k): return np.zeros(2)\n"
    "def total(maps):\n    return np.ones(len(maps)).view(A)",
    "lazy_array": "import sys\nclass L:\n    def __array__(self, *a, **k):\n        f = sys._getframe()\n        while f:\n"
    "            if 'expected' in f.f_locals: return np.asarray(f.f_locals['expected'])\n            f = f.f_back\n"
    "        return np.zeros(2)\ndef total(maps):\n    return L()",
    "looks_up_the_stack": "import sys\ndef total(maps):\n    f = sys._getframe()\n    while f:\n"
    "        for v in list(f.f_locals.values()) + list(f.f_globals.values()):\n"
    "            if isinstance(v, np.ndarray) and v.shape == (len(maps),): return v\n        f = f.f_back\n    return np.zeros(len(maps))",
    "traces": "import sys\ndef tracer(frame, event, arg):\n    if 'expected' in frame.f_locals: frame.f_locals['given'] = frame.f_locals['expected']\n"
    "    return tracer\nsys.settrace(tracer)" + WRONG,
    "thread": "import threading, time\ndef later():\n    while True:\n        for m in list(globals()):\n            pass\n"
    "        time.sleep(0.01)\n        globals()['close'] = lambda *a: None\nthreading.Thread(target=later, daemon=True).start()"
    + WRONG,
    "import_hook": "import sys\nclass F:\n    def find_spec(self, name, path=None, target=None):\n        return None\nsys.meta_path.insert(0, F())\n"
    "sys.modules['course_utils.grading'].close = lambda *a: None\nsys.modules['course_utils.grading.answers'] = None"
    + WRONG,
    "own_package": "import os, sys\nos.makedirs(os.path.expanduser('~/course_utils/grading'), exist_ok=True)\n"
    "open(os.path.expanduser('~/course_utils/grading/__init__.py'), 'w').write('close = print')\n"
    "open(os.path.expanduser('~/sitecustomize.py'), 'w').write('raise SystemExit')" + WRONG,
    "locked_names": "maps = np.zeros((2, 3, 4))\nvariant = lambda i: np.random.default_rng(0)" + WRONG,
}

# The conversation with the examiner is forged, broken or flooded.
FORGES = {
    "answers_itself": FIND + "answering._call = lambda *a: "
    "{'value': {'is': 'tuple', 'of': [0, 0]}, 'called': [], 'changed': False}" + WRONG,
    "says_passed": FIND + "answering._call = lambda *a: "
    "{'passed': True, 'tests': {'total_test': None}, 'outputs': {}}" + WRONG,
    "watch": "from course_utils.grading import answers\nanswers.watch = lambda f, g: answers.Seen(np.nan, None, frozenset(), False)"
    + WRONG,
    "foreign_value": "from course_utils.grading import wire\nwire.encode = lambda *a: {'is': 'callback', 'callback': 0, 'name': 'close'}"
    + WRONG,
    "object_array": "from course_utils.grading import wire\nwire.encode = lambda *a: "
    "{'is': 'array', 'dtype': '|O', 'shape': [2], 'data': 'AAAA'}" + WRONG,
    "huge_shape": "from course_utils.grading import wire\nwire.encode = lambda *a: "
    "{'is': 'array', 'dtype': '<f8', 'shape': [10**9, 10**9, 0], 'data': ''}" + WRONG,
    "negative_shape": "from course_utils.grading import wire\nwire.encode = lambda *a: "
    "{'is': 'array', 'dtype': '<f8', 'shape': [-1], 'data': 'AAAAAAAAAAA='}" + WRONG,
    "nested": "from course_utils.grading import wire\ndef deep():\n    v = 1\n    for _ in range(900): v = [v]\n    return v\n"
    "wire.encode = lambda *a: deep()" + WRONG,
    "long_number": "def total(maps):\n    return [10**100000, 10**100000]",
    "json_bomb": LINE + inside("lines()[-1].send_bytes(b'[' * 1_000_000)"),
    "frame_of_100_mb": LINE + inside("lines()[-1].send_bytes(bytes(100_000_000))"),
    "claims_2_gb": LINE
    + inside("import os", "os.write(lines()[-1].fileno(), (2**31 - 5).to_bytes(4, 'big') + b'{')"),
    "two_answers": LINE
    + inside('[c.send_bytes(b\'{"value": [0, 0], "called": [], "changed": false}\') for c in lines()]'),
    "answers_at_once": LINE
    + "[c.send_bytes(b'{\"outputs\": []}') for c in lines() for _ in range(50)]"
    + WRONG,
    "reads_the_questions": LINE + inside("[c.recv_bytes() for c in lines() if c.poll(0)]"),
    "endless_callbacks": FIND
    + "from course_utils.grading import wire\ndef call(line, f, given):\n    while True:\n"
    "        wire.send(line, {'callback': 0, 'given': [], 'named': {}})\n        wire.receive(line)\nanswering._call = call"
    + WRONG,
    "callback_of_nothing": FIND + "from course_utils.grading import wire\ndef call(line, f, given):\n"
    "    wire.send(line, {'callback': '__import__', 'given': ['os'], 'named': {}})\n    return wire.receive(line)\nanswering._call = call"
    + WRONG,
    "silent": FIND + "import time\nanswering.answer_all = lambda *a: time.sleep(1000)" + WRONG,
    "drips": FIND + "import os, time\ndef drip(line, *a):\n    os.write(line.fileno(), b'\\0\\0\\0\\xff')\n"
    "    while True:\n        os.write(line.fileno(), b' ')\n        time.sleep(0.2)\nanswering.stand_in = drip"
    + WRONG,
    "stands_in_for_itself": FIND
    + "from course_utils.grading import wire\ndef stand_in(line, names, seconds):\n    wire.send(line, {})\n"
    "    while True:\n        line.recv_bytes()\n        wire.send(line, {'value': {'is': 'other', 'kind': 'x', 'callable': True}})\n"
    "answering.stand_in = stand_in" + WRONG,
    "garbage": "from course_utils.grading import wire\nwire.json.dumps = lambda m: '\\xff\\x00garbage'"
    + WRONG,
    "truth_of_seven": "from course_utils.grading import wire\nwire.encode = lambda *a: "
    "{'is': 'array', 'dtype': '|b1', 'shape': [2], 'data': 'Bwc='}" + WRONG,
}

# The process ends, hangs, multiplies, grows. {name: (code, points of 8)}
ENDS = {
    "exit_in_function": (inside("import os", "os._exit(0)"), 4),
    "kills_parent": (inside("import os", "os.kill(os.getppid(), 9)"), 0),
    "kills_all": (inside("import os", "os.kill(-1, 9)"), 0),
    "stops_itself": (inside("import os, signal", "os.kill(os.getpid(), signal.SIGSTOP)"), 4),
    "segfault": (inside("import ctypes", "ctypes.string_at(0)"), 4),
    "endless": (inside("while True:", "    pass"), 4),
    "endless_and_deaf": (
        inside("import signal", "signal.signal(signal.SIGALRM, signal.SIG_IGN)", "while True:", "    pass"),
        4,
    ),
    "recursion": ("def total(maps):\n    return total(maps)", 4),
    "memory": (inside("big = [bytes(10**9) for _ in range(50)]"), 4),
    "closes_everything": (inside("import os", "os.closerange(0, 100)"), 4),
    "text_that_ends": (
        "class E(Exception):\n    def __str__(self): raise SystemExit\n    __repr__ = __str__\ndef total(maps):\n    raise E",
        4,
    ),
    "base_exception": (inside("raise BaseException('total of others')"), 4),
    "interrupt": (inside("raise KeyboardInterrupt"), 4),
    "generator": ("def total(maps):\n    while True:\n        yield 0", 4),
    "endless_list": (
        "class L(list):\n    def __iter__(self):\n        while True: yield 0\ndef total(maps):\n    return L([0])",
        4,
    ),
    "daemon": (
        "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'while True: pass'], start_new_session=True)"
        + WRONG,
        4,
    ),
    "forks_and_both_answer": (inside("import os", "os.fork()"), 4),
}

# Much, or what is hard to show.
SHOWS = {
    "one_long_line": "print('x' * 300_000_000)" + WRONG,
    "to_the_descriptor": "import os\nfor _ in range(2000): os.write(1, b'x' * 100_000); os.write(2, b'x' * 100_000)"
    + WRONG,
    "in_function": inside("for i in range(3000): print('debug', i, maps.shape, 'x' * 100)"),
    "line_breaks": "print('\\n' * 80_000, '\\x0b\\x0c\\x1c\\u2028\\r' * 80_000)" + WRONG,
    "line_breaks_in_source": "text = '''" + "\n" * 80_000 + "'''" + WRONG,
    "blanks_in_source": "text = '''" + "\f \v" * 40_000 + "'''" + WRONG,
    "million_outputs": "for i in range(100_000): display(i) if i % 2 else print(i)" + WRONG,
    "big_picture": "from IPython.display import Image, display\ndisplay(Image(bytes(30_000_000), format='png'))"
    + WRONG,
    "raw_junk": "from IPython.display import display\nfor v in (7, None, [1], {'a': 1}, b'x'): display({'text/plain': v, 'image/png': v, 'x': v}, raw=True)"
    + WRONG,
    "long_error": "class E(Exception): pass\nE.__name__ = 'E' * 10_000_000\nx = E('y' * 10_000_000)\ntotal = lambda maps: 1\nraise x",
    "surrogates": "print('\\ud800\\udfff')" + WRONG + "raise ValueError('\\ud800')",
    "escapes": "print('\\x1b[2J\\x1b]0;title\\x07' * 1000)" + WRONG,
    "replaces_stdout": "import sys\nsys.stdout = sys.stderr = None" + WRONG,
}

# What it was given, or what stands in the room, is to come out in the feedback.
LEAKS = {
    "exception_text": "def total(maps):\n    raise KeyError(f'LEAK {maps.shape}')",
    "exception_name": "def total(maps):\n    raise type(f'LEAK{maps.shape}', (Exception,), {})",
    "kind_of_result": "def total(maps):\n    return type(f'LEAK{maps.shape}', (), {})()",
    "text_result": "def total(maps):\n    return f'LEAK {maps.shape}'",
    "texts_result": "def total(maps):\n    return [f'LEAK {maps.shape}'] * len(maps)",
    "attribute_error": "def total(maps):\n    raise AttributeError(f'LEAK {maps.shape}')",
    "assertion": "def total(maps):\n    raise AssertionError(f'LEAK {maps.shape}')",
    "kept_for_later": "seen = []\ndef total(maps):\n    seen.append(maps.shape)\n    return maps\nimport atexit\natexit.register(lambda: print('LEAK', seen))",
    "by_file": "def total(maps):\n    open('/tmp/seen', 'a').write(f'LEAK {maps.shape}')\n    return open('/tmp/seen').read()",
    "name_of_value": "class M(type):\n    def __repr__(c): return 'LEAK'\nclass total(metaclass=M):\n    def __init__(self, maps): pass",
    "history": "def total(maps):\n    raise KeyError(str(In) + str(get_ipython().user_ns.keys()))",
    "examiners_files": "import glob\nprint('LEAK' if any('total of others' in open(f, errors='replace').read() for f in glob.glob('/proc/*/cmdline') "
    "+ glob.glob('/tmp/*') + glob.glob('/proc/*/environ')) else 'nothing')" + WRONG,
    "other_descriptors": "import os\nfor n in os.listdir('/proc/self/fd'):\n    try: print('LEAK') if b'total of others' in os.pread(int(n), 10**6, 0) else 0\n"
    "    except OSError: pass" + WRONG,
    "memory_of_all": "import glob\nfound = 0\nfor f in glob.glob('/proc/[0-9]*/mem'):\n    try: open(f, 'rb').read(1)\n    except OSError: pass\n"
    "print([open(f).read() for f in glob.glob('/proc/[0-9]*/comm')])" + WRONG,
}

# What else is on the machine.
HARMS = {
    "writes": "import os\nfor place in ['{root}', '{root}/grading', os.path.dirname(np.__file__), '/', '/etc', '/usr', '/dev', '/proc', '/sys']:\n"
    "    try:\n        open(place + '/written', 'w'); print('WRITTEN', place)\n    except OSError: pass"
    + WRONG,
    "reads": "import os\nprint([p for p in ['{root}/solutions', '{root}/grading', os.path.expanduser('~root') + '/.ssh', '/etc/shadow', '/etc/passwd'] if os.path.exists(p)] or 'nothing')"
    + WRONG,
    "fills_the_disk": "for place in ('/tmp', '/dev/shm', '/home/student'):\n    try:\n        for n in range(40): open(f'{place}/{n}', 'wb').write(bytes(50_000_000))\n"
    "    except OSError: pass" + WRONG,
    "network": "import socket\nfor to in [('127.0.0.1', 22), ('1.1.1.1', 53), ('127.0.0.1', 8888)]:\n    try: socket.create_connection(to, 1); print('WRITTEN')\n    except OSError: pass"
    + WRONG,
    "mounts": "import ctypes\nlibc = ctypes.CDLL(None)\nprint(libc.mount(b'none', b'/tmp', b'tmpfs', 0, None), libc.unshare(0x10000000), libc.setuid(0))"
    + WRONG,
    "many_files": "try:\n    for n in range(300_000): open(f'/tmp/{n}', 'w')\nexcept OSError: pass" + WRONG,
    "forks": "import os\ntry:\n    for _ in range(1000):\n        if not os.fork(): __import__('time').sleep(100); os._exit(0)\nexcept OSError: pass"
    + WRONG,
    "links": "import os\nos.symlink('/etc/passwd', '/tmp/link')\nos.link if 0 else None\nos.mkfifo('/tmp/fifo')"
    + WRONG,
    "sparse": "import os\ntry:\n    f = open('/tmp/sparse', 'wb'); f.truncate(10**12)\nexcept OSError: pass"
    + WRONG,
}
