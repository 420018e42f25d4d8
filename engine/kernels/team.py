"""Threads that do one kernel's work together: each its share of every phase, all of them at the end of it.

Every thread calls the kernel with the same arrays and a number of its own. Shares are cut so that no two threads write
the same number and every sum is one thread's, so that results do not depend on how many there are.
"""

from typing import Any, NamedTuple

from llvmlite import ir
from numba.core import cgutils

from engine.compiled import inlined
from engine.kernels.simd import Elements, compiled_operation, skip, types

# How often a waiting thread looks before it lets others run: some microseconds, longer than a phase's shares differ.
_LOOKS = 2_000


class Team(NamedTuple):
    """Which of the threads this one is, how many there are, and what all of them see, (2,) int64, 0 at first.

    That is how often one has arrived, and 1 where one gave up: nobody waits for it, what they make is worth nothing.
    """

    number: int
    size: int
    arrivals: Elements


@compiled_operation
def _arrive(typing_context: Any, arrivals: Any) -> Any:
    """Count one more arrival; what this thread wrote before is seen by those that see the count."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        builder.atomic_rmw("add", args[0], ir.Constant(ir.IntType(64), 1), "acq_rel")
        return context.get_dummy_value()

    return types.none(arrivals), codegen


@compiled_operation
def _arrived(typing_context: Any, arrivals: Any) -> Any:
    """How many arrivals there have been."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        return builder.load_atomic(args[0], "acquire", 8)

    return types.int64(arrivals), codegen


@compiled_operation
def _let_others_run(typing_context: Any) -> Any:
    """Give the core to another thread, where one waits for it (POSIX)."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        kind = ir.FunctionType(ir.IntType(32), [])
        builder.call(cgutils.get_or_insert_function(builder.module, kind, "sched_yield"), [])
        return context.get_dummy_value()

    return types.none(), codegen


@inlined
def meet(team: Team, met: int) -> int:
    """Wait until all have come here for the time number `met` + 1; return that number."""
    if team.size > 1:
        _arrive(team.arrivals)
        looks = 0
        gave_up = skip(team.arrivals, 1)
        while _arrived(team.arrivals) < (met + 1) * team.size and _arrived(gave_up) == 0:
            looks += 1
            if looks > _LOOKS:
                _let_others_run()
    return met + 1


@inlined
def share(team: Team, n: int) -> tuple[int, int]:
    """Which of n pieces are this thread's: from the first number to before the second."""
    return n * team.number // team.size, n * (team.number + 1) // team.size
