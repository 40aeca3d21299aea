"""Tasks for a child process, and their transport there and back. The kinds of tasks are not known here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from CardioScarLib.core.errors import RunFailed, UnreadableFile
from CardioScarLib.core.packing import Variants, pack, unpack
from CardioScarLib.core.threads import ONE_THREAD
from CardioScarLib.io.npz import read_npz, write_npz

Answer = TypeVar("Answer")
TaskProgress = Callable[..., None]
"""Called with (stage, step, steps) and, where it is known, loss=."""
TASK_FILE, ANSWER_FILE = "task.npz", "answer.npz"
TASK_SCHEMA, ANSWER_SCHEMA = "cardioscar-task 1", "cardioscar-answer 1"
LIBRARY = __name__.partition(".")[0]


class Task(ABC, Generic[Answer]):
    """A frozen dataclass that `core.packing.pack` can store: its fields say what to do, `run` does it.

    answer: type of what `run` returns, which `pack` can store, too. variants: for both, see `core.packing`.
    """

    answer: ClassVar[Any]
    variants: ClassVar[Variants] = {}

    @abstractmethod
    def run(self, progress: TaskProgress) -> Answer:
        """Do the work, in any process. progress: may raise `Cancelled` to end it."""

    @property
    def environment(self) -> dict[str, str]:
        """Changes to the environment of a child process that does it."""
        return dict(ONE_THREAD)

    @property
    def title(self) -> str:
        """For logs."""
        return type(self).__name__


def write_task(task: Task[Any], folder: Path) -> None:
    """What the child reads first."""
    values, arrays = pack(task, task.variants)
    name = f"{type(task).__module__}:{type(task).__qualname__}"
    write_npz(folder / TASK_FILE, TASK_SCHEMA, {"task": name, "fields": values}, arrays, compressed=False)


def read_task(folder: Path) -> Task[Any]:
    """The task that a folder holds; of this library only."""
    values, arrays = read_npz(folder / TASK_FILE, TASK_SCHEMA, TASK_FILE)
    module, _, name = values["task"].partition(":")
    kind = getattr(import_module(module), name, None) if module.partition(".")[0] == LIBRARY else None
    if not (isinstance(kind, type) and issubclass(kind, Task)):
        raise RunFailed(f"There is no task {values['task']}.")
    return unpack(kind, values["fields"], arrays, kind.variants)


def write_answer(task: Task[Any], answer: Any, folder: Path) -> None:
    """The file is written completely, or not at all."""
    unfinished = folder / f"unfinished-{ANSWER_FILE}"
    write_npz(unfinished, ANSWER_SCHEMA, *pack(answer, task.variants), compressed=False)
    unfinished.replace(folder / ANSWER_FILE)


def read_answer(task: Task[Answer], folder: Path) -> Answer:
    """Raises RunFailed when it cannot be read."""
    try:
        return unpack(task.answer, *read_npz(folder / ANSWER_FILE, ANSWER_SCHEMA, ANSWER_FILE), task.variants)
    except UnreadableFile as problem:
        raise RunFailed("The result of the run cannot be read back; check whether the disk of the temporary folder is full.") from problem
