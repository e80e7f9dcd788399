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
from pathlib import Path

from course_utils.grading import STUDENT, sandbox

OUTPUT = 200_000  # characters of a cell's output that are kept
START, STOP = 60, 5  # seconds for a kernel to answer at first, and after it was interrupted


class Failed(Exception):
    """This submission can't be graded by machine; the text says why."""


def execute(notebook, student, cell_seconds=30, protected=True):
    """Fill the outputs of the notebook's code cells, in place; raises `Failed` where the kernel didn't survive."""
    asyncio.run(_execute(notebook, student, cell_seconds, protected))


async def _execute(notebook, student, cell_seconds, protected):
    from jupyter_client.manager import AsyncKernelManager

    folder = Path(tempfile.mkdtemp(prefix="cam"))  # a short name: sockets allow no more than 107 letters
    manager = AsyncKernelManager(transport="ipc", connection_file=str(folder / "kernel.json"))
    client = None
    try:
        manager.write_connection_file()
        _start_with(manager, folder, student, protected)
        await manager.start_kernel(env={**os.environ, STUDENT: student}, cwd=str(folder),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        client = manager.client()
        client.start_channels()
        try:
            await client.wait_for_ready(timeout=START)
        except RuntimeError as error:
            raise Failed(f"The kernel didn't start: {error}") from None
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        for number, cell in enumerate(notebook.cells, start=1):
            if cell.cell_type == "code" and cell.source.strip():
                await _run(manager, client, cell, cell_seconds, number)
    finally:
        if client is not None:
            client.stop_channels()
        if manager.has_kernel:
            await manager.shutdown_kernel(now=True)
        shutil.rmtree(folder, ignore_errors=True)


def _start_with(manager, folder, student, protected):
    """What the manager runs: the kernel in the sandbox, or as it is."""
    kernel = ["-m", "ipykernel_launcher", "-f", manager.connection_file, "--HistoryManager.hist_file=:memory:"]
    manager.kernel_spec.argv = sandbox.command(kernel, folder, student) if protected else [sys.executable, *kernel]
    manager.kernel_spec.interrupt_mode = "message"  # a signal would end bubblewrap, not the cell


async def _run(manager, client, cell, seconds, number):
    """Execute one cell and keep what it shows."""
    from nbformat.v4 import new_output, output_from_msg

    room = OUTPUT

    def keep(message):
        nonlocal room
        if message["msg_type"] not in ("stream", "display_data", "execute_result", "error") or room <= 0:
            return
        output = output_from_msg(message)
        room -= len(str(message["content"]))
        if room <= 0:
            output = new_output("stream", name="stdout", text=f"\n[more than {OUTPUT:,} characters; the rest was left out]\n")
        last = cell.outputs[-1] if cell.outputs else None
        if output.output_type == "stream" and last and last.output_type == "stream" and last.name == output.name:
            last.text += output.text
        else:
            cell.outputs.append(output)

    def ended(kind, text):
        cell.outputs.append(new_output("error", ename=kind, evalue=text, traceback=[f"{kind}: {text}"]))

    run = asyncio.ensure_future(client.execute_interactive(
        cell.source, timeout=seconds, output_hook=keep, allow_stdin=False, stop_on_error=False))
    death = asyncio.ensure_future(manager.provisioner.wait())
    try:
        await asyncio.wait([run, death], return_when=asyncio.FIRST_COMPLETED)
        if not run.done():
            raise Failed(f"The kernel died in cell {number}: the code ended it, or it took more memory or time than allowed.")
        cell.execution_count = run.result()["content"].get("execution_count")
    except TimeoutError:
        ended("Timeout", f"stopped after {seconds} seconds")
        await manager.interrupt_kernel()
        try:
            await client.execute_interactive("None", silent=True, timeout=STOP, output_hook=keep, allow_stdin=False)
        except TimeoutError:
            raise Failed(f"Cell {number} ran for {seconds} seconds and couldn't be stopped.") from None
    finally:
        for task in (run, death):
            task.cancel()
        await asyncio.gather(run, death, return_exceptions=True)
