"""What a piece of a student's code is about, read and not run: what it defines, what it uses."""

import ast
import re
import symtable


def tree_of(source):
    """The code as Python understands it, lines for IPython left out; None if it is no Python."""
    try:
        return ast.parse(without_magics(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def without_magics(source):
    return "\n".join(re.sub(r"^(\s*)[%!].*", r"\1pass", line) for line in source.split("\n"))


def defined(source, also_none=False):
    """Names that a piece of code gives a value to; None is no value, since exercises start with it."""
    names, tree = set(), tree_of(source)
    for node in tree.body if tree else ():
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            if also_none or not (isinstance(node.value, ast.Constant) and node.value.value is None):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names |= {
                    part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)
                }
    return names


def gives(source):
    """All names that a cell gives a value to, imports and loops as well."""
    table = _symbols(source)
    symbols = table.get_symbols() if table else ()
    return {symbol.get_name() for symbol in symbols if symbol.is_assigned() or symbol.is_imported()}


def takes(source):
    """The names that a cell, or a function in it, asks the notebook for."""
    names, tables = set(), list(filter(None, [_symbols(source)]))
    for table in tables:
        at_top = table.get_type() == "module"
        names |= {
            s.get_name() for s in table.get_symbols() if s.is_referenced() and (at_top or s.is_global())
        }
        tables.extend(table.get_children())
    return names


def _symbols(source):
    try:
        return symtable.symtable(without_magics(source), "cell", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def same(source, released, kind):
    """Whether a cell is as released, but for blanks and the habits of a formatter."""
    if source.split() == released.split():
        return True
    trees = [tree_of(source), tree_of(released)] if kind == "code" else [None]
    try:
        return None not in trees and ast.dump(trees[0]) == ast.dump(trees[1])
    except RecursionError:
        return False


# With these, code can get past what watches for borrowed work (`answers.watch`). It gains no point otherwise.
PAST_THE_WATCH = frozenset(
    "setprofile settrace _getframe f_back ctypes subprocess threading _thread multiprocessing "
    "get_objects get_referrers monitoring".split()
)


def unseen(sources):
    """Sentences on code in which borrowed work may not be seen; it is graded like any other.

    sources: {what a cell is called: its source}.
    """
    remarks = []
    for where, source in sources.items():
        names = sorted(names_in(source) & PAST_THE_WATCH)
        if names:
            remarks.append(f"{where} uses {', '.join(names)}: whether it calls a library isn't seen there")
    return remarks


def names_in(source):
    """All names, attributes and imported modules in a piece of code; lines only IPython understands are left
    out.
    """
    tree, names = tree_of(source), set()
    if tree is None:
        return set(re.findall(r"[A-Za-z_]\w*", without_magics(source)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif isinstance(node, ast.Import):
            names |= {part for alias in node.names for part in alias.name.split(".")}
        elif isinstance(node, ast.ImportFrom):
            names |= set((node.module or "").split(".")) | {alias.name for alias in node.names}
    return names


def constant(source, name):
    """The text that a piece of code gives to a name, in so many letters; "" where it doesn't."""
    tree, found = tree_of(source), ""
    for node in tree.body if tree else ():
        if isinstance(node, ast.Assign) and any(getattr(t, "id", "") == name for t in node.targets):
            value = getattr(node.value, "value", "")
            found = value if isinstance(value, str) else ""
    return found
