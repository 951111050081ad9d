"""A process of several has ended: the others say so, and what to do, where their transport names a socket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from accelerate import Accelerator

from contrapose.distributed.lost import is_of_a_lost_process
from contrapose.errors import RunError
from contrapose.shell import shell_command
from contrapose.training.checkpoint import list_checkpoints
from contrapose.training.run_folder import RunFolder


@contextmanager
def lost_processes_told(accelerator: Accelerator, run: RunFolder) -> Iterator[None]:
    """Turn what the transport says of a process that does not answer into a sentence, while the block runs.

    Errors:
        RunError: another process has ended.
    """
    try:
        yield
    except RuntimeError as error:
        if accelerator.num_processes == 1 or not is_of_a_lost_process(error):
            raise
        saved = list_checkpoints(run.checkpoints)
        kept = f"the last checkpoint is {saved[0].name}" if saved else "there was no checkpoint yet"
        raise RunError(
            f"Process {accelerator.process_index + 1} of {accelerator.num_processes} stops: another one has ended, and "
            f"says itself why unless it was killed ({str(error).splitlines()[0]}). Nothing that was written is lost; "
            f"{kept}. Continue, on as many processes or another number of them, with: "
            f"{shell_command('train', '--resume', run.path)}"
        ) from error
