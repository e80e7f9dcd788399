"""One submission's notebook executed cell by cell, in a kernel that is in the sandbox.

Whatever the code does, it ends: every cell has its time, every output its size, and a kernel that dies or
can't be stopped makes the submission *failed*, with the reason, not the batch.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from course_utils.grading import STUDENT, sandbox

OUTPUT, MESSAGE = 200_000, 10_000  # characters of a cell's output that are kept, and of an error's text
START, STOP = 60, 5  # seconds for a kernel to answer at first, and after it was interrupted
OWN, ALL = 4, 20  # times a cell's time, for all cells of the student's own, and for the whole notebook

# By itself quit() ends the kernel a moment later, or not, depending on the machine.
NO_QUIT = """
def _no_quit(*_, **__):
    raise SystemExit("quit")
get_ipython().ask_exit = _no_quit
del _no_quit
"""


class Failed(Exception):
    """This submission can't be graded by machine; the text says why."""


def execute(notebook, student, cell_seconds=30, protected=True, own=()):
    """Fill the outputs of the notebook's code cells, in place; returns remarks on what was cut short.

    own: ids of the cells that the student added. Their time is limited apart: once it is used up, the answers
    and tests still run.
    Raises `Failed` where the kernel didn't survive.
    """
    return asyncio.run(_execute(notebook, student, cell_seconds, protected, own))


async def _execute(notebook, student, cell_seconds, protected, own):
    from jupyter_client.manager import AsyncKernelManager

    folder = Path(tempfile.mkdtemp(prefix="cam"))  # a short name: sockets allow no more than 107 letters
    manager = AsyncKernelManager(transport="ipc", connection_file=str(folder / "kernel.json"))
    client = None
    try:
        manager.write_connection_file()
        _start_with(manager, folder, student, protected)
        path = os.pathsep.join([str(sandbox.PACKAGE), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        await manager.start_kernel(
            env={**os.environ, STUDENT: student, "PYTHONPATH": path},
            cwd=str(folder),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        client = manager.client()
        client.start_channels()
        try:
            await client.wait_for_ready(timeout=START)
            await client.execute_interactive(NO_QUIT, silent=True, timeout=START, allow_stdin=False)
        except (RuntimeError, TimeoutError) as error:
            raise Failed(f"The kernel didn't start: {error}") from None
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        return await _run_all(manager, client, notebook, cell_seconds, own)
    finally:
        if client is not None:
            client.stop_channels()
        if manager.has_kernel:
            await manager.shutdown_kernel(now=True)
        shutil.rmtree(folder, ignore_errors=True)


def _start_with(manager, folder, student, protected):
    """What the manager runs: the kernel in the sandbox, or as it is."""
    kernel = [
        "-m",
        "ipykernel_launcher",
        "-f",
        manager.connection_file,
        "--HistoryManager.hist_file=:memory:",
    ]
    manager.kernel_spec.argv = (
        sandbox.command(kernel, folder, student) if protected else [sys.executable, *kernel]
    )
    manager.kernel_spec.interrupt_mode = "message"  # a signal would end bubblewrap, not the cell


async def _run_all(manager, client, notebook, cell_seconds, own):
    """Execute the cells one by one, as long as there is time; returns remarks."""
    left = {True: OWN * cell_seconds, False: (ALL - OWN) * cell_seconds}  # student's own or not: seconds
    cut, quits, remarks = {True: 0, False: 0}, [], []
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        theirs = cell.id in own
        if left[theirs] <= 0:
            _ended(cell, "Timeout", "not run: the time was used up")
            cut[theirs] += 1
            continue
        started = time.monotonic()
        await _run(manager, client, cell, min(cell_seconds, left[theirs]), number)
        left[theirs] -= time.monotonic() - started
        if any(o.output_type == "error" and o.ename == "SystemExit" for o in cell.outputs):
            quits.append(str(number))
    if quits:
        remarks.append(f"cell {', '.join(quits)}: quit, exit or SystemExit; that cell ended, the others ran")
    if cut[True]:
        remarks.append(
            f"{cut[True]} cells of the student's own didn't run: "
            f"all of them have {OWN * cell_seconds} seconds together"
        )
    if cut[False]:
        remarks.append(
            f"{cut[False]} cells didn't run: a submission has {ALL * cell_seconds} seconds altogether"
        )
    return remarks


def _ended(cell, kind, text):
    """Note in a cell's outputs that it failed."""
    from nbformat.v4 import new_output

    cell.outputs.append(new_output("error", ename=kind, evalue=text, traceback=[f"{kind}: {text}"]))


async def _run(manager, client, cell, seconds, number):
    """Execute one cell and keep what it shows."""
    from nbformat.v4 import new_output, output_from_msg

    room = OUTPUT

    def keep(message):
        nonlocal room
        if message["msg_type"] not in ("stream", "display_data", "execute_result", "error") or room <= 0:
            return
        try:
            output = output_from_msg(message)
        except Exception:  # raw=True shows what a notebook can't hold; the answer may be right
            output = new_output("stream", name="stdout", text="[an output that is no text was left out]\n")
        room -= len(str(message["content"]))
        if room <= 0:
            output = new_output(
                "stream", name="stdout", text=f"\n[more than {OUTPUT:,} characters; the rest was left out]\n"
            )
        last = cell.outputs[-1] if cell.outputs else None
        if (
            output.output_type == "stream"
            and last
            and last.output_type == "stream"
            and last.name == output.name
        ):
            last.text += output.text
        else:
            cell.outputs.append(output)

    run = asyncio.ensure_future(
        client.execute_interactive(
            cell.source, timeout=seconds, output_hook=keep, allow_stdin=False, stop_on_error=False
        )
    )
    death = asyncio.ensure_future(manager.provisioner.wait())
    try:
        await asyncio.wait([run, death], return_when=asyncio.FIRST_COMPLETED)
        if not run.done():
            raise Failed(
                f"The kernel died in cell {number}: the code ended it, or it took more memory or time "
                "than allowed."
            )
        reply = run.result()["content"]
        cell.execution_count = reply.get("execution_count")
        if reply["status"] != "ok" and not any(output.output_type == "error" for output in cell.outputs):
            # Its message was lost, behind too much output for instance; a test without one would count as
            # passed.
            _ended(cell, str(reply.get("ename", "Error"))[:100], str(reply.get("evalue", ""))[:MESSAGE])
    except TimeoutError:
        _ended(cell, "Timeout", f"stopped after {seconds:.0f} seconds")
        await manager.interrupt_kernel()
        try:
            await client.execute_interactive(
                "None", silent=True, timeout=STOP, output_hook=keep, allow_stdin=False
            )
        except TimeoutError:
            raise Failed(f"Cell {number} ran for {seconds:.0f} seconds and couldn't be stopped.") from None
    finally:
        for task in (run, death):
            task.cancel()
        await asyncio.gather(run, death, return_exceptions=True)
