"""Vectors of sixteen numbers as values of compiled code.

`Vector` is a Numba type whose machine representation is LLVM's `<16 x float>` or `<16 x double>`; LLVM splits it
into the registers a machine has, so the same code is AVX-512, AVX2 or NEON with the same results. Each function
below is one operation on it, usable inside compiled functions only. Nothing is reassociated or contracted:
a multiply-add is fused where `fma` is written and nowhere else, and every sum has the order in which it is written.
Operations on vectors take tuples of them too, element by element, and `load` and `store` tuples of offsets: a loop over
one chunk of weights and one over two chunks at a time are the same source, compiled for two types.

Memory is addressed by *elements*, a bare pointer to the first number of a contiguous array, and an offset that counts
numbers from there. Nothing is checked, negative offsets do not wrap (that test per element keeps Numba's own indexing
from vectorising), and a pointer, unlike an array, has no reference count: passing ten arrays to an inlined function
costs twenty atomic additions, more than a row of weights. The array must outlive its elements, as arguments do.
Kernels take named tuples of arrays (`engine.kernels.arguments`) and hand on the named tuples of their elements.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numba.core import types as numba_types
from numba.core.datamodel import PrimitiveModel
from numba.extending import intrinsic, register_model

from engine.arrays import FloatArray

LANES = 16

# Numba ships no types, and what its modules hold is not all visible to a type checker.
types: Any = numba_types

# To a type checker, a vector value and a pointer to numbers; the compiler infers of which type.
Lanes = Any
Elements = Any


class Vector(numba_types.Type):
    """Sixteen lanes of float32 or float64."""

    def __init__(self, element: Any) -> None:
        self.element = element
        super().__init__(name=f"Vector({element}, {LANES})")


@register_model(Vector)
class _VectorModel(PrimitiveModel):  # type: ignore[misc]
    """An LLVM vector, held in registers."""

    def __init__(self, manager: Any, frontend_type: Vector) -> None:
        super().__init__(manager, frontend_type, _llvm_vector(frontend_type.element))


def _llvm_element(element: Any) -> ir.Type:
    return ir.FloatType() if element == types.float32 else ir.DoubleType()


def _llvm_vector(element: Any) -> ir.VectorType:
    return ir.VectorType(_llvm_element(element), LANES)


def compiled_operation(function: Callable[..., Any]) -> Callable[..., Any]:
    """Numba's `intrinsic`, typed: the function maps argument types to a signature and a code generator."""
    decorated: Callable[..., Any] = intrinsic(function)
    return decorated


def _splat(builder: ir.IRBuilder, vector: ir.VectorType, scalar: ir.Value) -> ir.Value:
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0))
    lanes = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)
    return builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), lanes)


def _vector_pointer(builder: ir.IRBuilder, elements: ir.Value, offset: ir.Value) -> ir.Value:
    vector = ir.VectorType(elements.type.pointee, LANES)
    return builder.bitcast(builder.gep(elements, [offset]), vector.as_pointer())


def _load_vector(builder: ir.IRBuilder, elements: ir.Value, offset: ir.Value, align: int) -> ir.Value:
    return builder.load(_vector_pointer(builder, elements, offset), align=align)


def _each(single: Any, kinds: Sequence[Any], emit: Callable[..., ir.Value]) -> tuple[Any, Callable[..., Any]]:
    """Signature and code of an operation that gives a `single`, from a generator of its LLVM instructions.

    Where some arguments are tuples, the result is a tuple: what is emitted for their first elements, for their second
    elements …; an argument that is no tuple takes part in each.
    """
    count = next((kind.count for kind in kinds if isinstance(kind, types.UniTuple)), None)

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        rows = [
            [
                builder.extract_value(arg, i) if isinstance(kind, types.UniTuple) else arg
                for arg, kind in zip(args, kinds, strict=True)
            ]
            for i in range(count or 1)
        ]
        found = [emit(builder, *row) for row in rows]
        if single == types.none:
            return context.get_dummy_value()
        return found[0] if count is None else context.make_tuple(builder, signature.return_type, found)

    result = single if count is None or single == types.none else types.UniTuple(single, count)
    return result(*kinds), codegen


def _offsets(kind: Any) -> Any:
    return types.UniTuple(types.int64, kind.count) if isinstance(kind, types.UniTuple) else types.int64


def _elementwise(arity: int, emit: Callable[..., ir.Value]) -> Callable[..., Any]:
    """An operation on `arity` vectors of one type."""

    def typed(*kinds: Any) -> Any:
        return _each(getattr(kinds[0], "dtype", kinds[0]), kinds, emit)

    # Numba reads the number of arguments from the function it decorates.
    if arity == 1:
        return compiled_operation(lambda typing_context, x: typed(x))
    if arity == 2:
        return compiled_operation(lambda typing_context, x, y: typed(x, y))
    if arity == 3:
        return compiled_operation(lambda typing_context, x, y, z: typed(x, y, z))
    return compiled_operation(lambda typing_context, a, b, x, y: typed(a, b, x, y))


def _emit_fma(builder: ir.IRBuilder, x: ir.Value, y: ir.Value, z: ir.Value) -> ir.Value:
    name = "llvm.fma.v16f32" if x.type.element == ir.FloatType() else "llvm.fma.v16f64"
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(x.type, [x.type] * 3), name)
    return builder.call(function, [x, y, z])


def _emit_maximum(builder: ir.IRBuilder, x: ir.Value, y: ir.Value) -> ir.Value:
    return builder.select(builder.fcmp_ordered("<", x, y), y, x)


add = _elementwise(2, lambda builder, x, y: builder.fadd(x, y))
subtract = _elementwise(2, lambda builder, x, y: builder.fsub(x, y))
multiply = _elementwise(2, lambda builder, x, y: builder.fmul(x, y))
divide = _elementwise(2, lambda builder, x, y: builder.fdiv(x, y))
# x·y + z with one rounding.
fma = _elementwise(3, _emit_fma)
# y where x < y, else x: a NaN in x stays, one in y is ignored.
maximum = _elementwise(2, _emit_maximum)
# x where a < b, else y.
where_less = _elementwise(4, lambda builder, a, b, x, y: builder.select(builder.fcmp_ordered("<", a, b), x, y))
# x where a = b, else y.
where_equal = _elementwise(4, lambda builder, a, b, x, y: builder.select(builder.fcmp_ordered("==", a, b), x, y))


@compiled_operation
def splat(typing_context: Any, scalar: Any) -> Any:
    """The scalar, float32 or float64, in every lane."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        return _splat(builder, _llvm_vector(scalar), args[0])

    return Vector(scalar)(scalar), codegen


def _pointed(kind: Any) -> Any:
    """The type of `elements` of an array or of a named tuple."""
    if isinstance(kind, types.Array):
        return types.CPointer(kind.dtype)
    if isinstance(kind, types.BaseNamedTuple):
        return types.BaseTuple.from_types([_pointed(field) for field in kind.types], kind.instance_class)
    return kind


def _point(context: Any, builder: ir.IRBuilder, kind: Any, value: ir.Value) -> ir.Value:
    if isinstance(kind, types.Array):
        return context.make_array(kind)(context, builder, value).data
    if isinstance(kind, types.BaseNamedTuple):
        fields = [_point(context, builder, k, builder.extract_value(value, i)) for i, k in enumerate(kind.types)]
        return context.make_tuple(builder, _pointed(kind), fields)
    return value


@compiled_operation
def elements(typing_context: Any, arrays: Any) -> Any:
    """The first number of a contiguous array of any shape; of a named tuple, the same tuple with each array's."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        return _point(context, builder, arrays, args[0])

    return _pointed(arrays)(arrays), codegen


@compiled_operation
def skip(typing_context: Any, source: Any, offset: Any) -> Any:
    """The elements from `offset` on."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        return builder.gep(args[0], [args[1]])

    return source(source, types.int64), codegen


@compiled_operation
def zero(typing_context: Any, source: Any) -> Any:
    """Zeros: a vector of the type of `source`'s elements, or a tuple like a tuple of vectors."""
    element = source.dtype.element if isinstance(source, types.UniTuple) else source.dtype
    zeros = ir.Constant(_llvm_vector(element), [0.0] * LANES)
    return _each(Vector(element), (source,), lambda builder, _: zeros)


@compiled_operation
def shift(typing_context: Any, offsets: Any, by: Any) -> Any:
    """Each of several offsets, moved by a number."""
    return _each(types.int64, (_offsets(offsets), types.int64), lambda builder, offset, by: builder.add(offset, by))


@compiled_operation
def load(typing_context: Any, source: Any, offset: Any) -> Any:
    """The sixteen elements from `offset`."""
    align = source.dtype.bitwidth // 8
    kinds = source, _offsets(offset)
    return _each(
        Vector(source.dtype), kinds, lambda builder, pointer, offset: _load_vector(builder, pointer, offset, align)
    )


@compiled_operation
def load_four(typing_context: Any, source: Any, offset: Any) -> Any:
    """The four elements from `offset`, four times over; for `first_of_four` … `fourth_of_four`.

    Loading a number into every lane of a register takes the port that loads weights. Read as one long integer, four
    numbers come through the scalar ports instead: sums of rows take half the time (LLVM 22, Zen 4).
    """

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        width = source.dtype.bitwidth
        quadruple = ir.IntType(4 * width)
        pointer = builder.bitcast(builder.gep(args[0], [args[1]]), quadruple.as_pointer())
        splatted = _splat(builder, ir.VectorType(quadruple, LANES // 4), builder.load(pointer, align=width // 8))
        return builder.bitcast(splatted, _llvm_vector(source.dtype))

    return Vector(source.dtype)(source, types.int64), codegen


def _lane_of_four(position: int) -> Callable[..., Any]:
    lanes = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [position + i // 4 * 4 for i in range(LANES)])
    return _elementwise(1, lambda builder, x: builder.shuffle_vector(x, ir.Constant(x.type, ir.Undefined), lanes))


# One of four numbers that `load_four` read, in every lane.
first_of_four = _lane_of_four(0)
second_of_four = _lane_of_four(1)
third_of_four = _lane_of_four(2)
fourth_of_four = _lane_of_four(3)


@compiled_operation
def store(typing_context: Any, target: Any, offset: Any, vector: Any) -> Any:
    """Write the sixteen lanes to the elements from `offset`."""
    align = target.dtype.bitwidth // 8

    def emit(builder: ir.IRBuilder, target: ir.Value, offset: ir.Value, vector: ir.Value) -> ir.Value:
        return builder.store(vector, _vector_pointer(builder, target, offset), align=align)

    return _each(types.none, (target, _offsets(offset), vector), emit)


@compiled_operation
def get(typing_context: Any, source: Any, offset: Any) -> Any:
    """One element."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        return builder.load(builder.gep(args[0], [args[1]]))

    return source.dtype(source, types.int64), codegen


@compiled_operation
def put(typing_context: Any, target: Any, offset: Any, value: Any) -> Any:
    """Write one element; the value is rounded to the elements' type."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        builder.store(args[2], builder.gep(args[0], [args[1]]))
        return context.get_dummy_value()

    return types.none(target, types.int64, target.dtype), codegen


@compiled_operation
def prefetch(typing_context: Any, source: Any, offset: Any) -> Any:
    """Ask for the cache line of one element; changes nothing but the time its first use takes."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        integer = ir.IntType(32)
        byte_pointer = ir.IntType(8).as_pointer()
        function_type = ir.FunctionType(ir.VoidType(), [byte_pointer, integer, integer, integer])
        function = cgutils.get_or_insert_function(builder.module, function_type, "llvm.prefetch.p0")
        address = builder.bitcast(builder.gep(args[0], [args[1]]), byte_pointer)
        # To read, to be kept in all caches, data.
        builder.call(function, [address, integer(0), integer(3), integer(1)])
        return context.get_dummy_value()

    return types.none(source, types.int64), codegen


@compiled_operation
def widen(typing_context: Any, vector: Any) -> Any:
    """The same numbers as float64."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        if vector.element == types.float64:
            return args[0]
        return builder.fpext(args[0], _llvm_vector(types.float64))

    return Vector(types.float64)(vector), codegen


@compiled_operation
def power_of_two(typing_context: Any, shifted: Any) -> Any:
    """2ᵏ for `shifted` = k + 1.5 × 2²³ (float32) or k + 1.5 × 2⁵² (float64), whose last bits spell the integer k.

    No conversion to integers takes place, so NaN and huge arguments give some number instead of undefined behaviour.
    """
    mantissa_bits, bias = (23, 127) if shifted.element == types.float32 else (52, 1023)

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        integers = ir.VectorType(ir.IntType(shifted.element.bitwidth), LANES)
        bits = builder.bitcast(args[0], integers)
        bits = builder.shl(bits, ir.Constant(integers, [mantissa_bits] * LANES))
        bits = builder.add(bits, ir.Constant(integers, [bias << mantissa_bits] * LANES))
        return builder.bitcast(bits, args[0].type)

    return shifted(shifted), codegen


def _tree(builder: ir.IRBuilder, vector: ir.Value, combine: Callable[..., ir.Value]) -> ir.Value:
    """Lane i with lane i + 8, then + 4, + 2, + 1: a fixed order with four dependent steps instead of fifteen."""
    for distance in (8, 4, 2, 1):
        moved = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [(i + distance) % LANES for i in range(LANES)])
        vector = combine(builder, vector, builder.shuffle_vector(vector, ir.Constant(vector.type, ir.Undefined), moved))
    return builder.extract_element(vector, ir.Constant(ir.IntType(32), 0))


@compiled_operation
def sum_of_lanes(typing_context: Any, vector: Any) -> Any:
    """One number: the lanes added pairwise, i with i + 8, then + 4, + 2, + 1."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        return _tree(builder, args[0], lambda builder, x, y: builder.fadd(x, y))

    return vector.element(vector), codegen


@compiled_operation
def maximum_of_lanes(typing_context: Any, vector: Any) -> Any:
    """One number: the largest lane."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        return _tree(builder, args[0], _emit_maximum)

    return vector.element(vector), codegen


@compiled_operation
def transpose(typing_context: Any, source: Any, offset: Any, stride: Any, target: Any, target_offset: Any) -> Any:
    """Write a 16 × 16 matrix, whose rows begin at `offset` and every `stride` elements on, transposed to `target`."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        align = source.dtype.bitwidth // 8
        elements, start, step, written, written_start = args
        rows = [
            _load_vector(builder, elements, builder.add(start, builder.mul(step, step.type(row))), align)
            for row in range(LANES)
        ]
        lanes = ir.VectorType(ir.IntType(32), LANES)
        # Four rounds exchange the off-diagonal blocks of 8, 4, 2 and 1.
        for block in (8, 4, 2, 1):
            upper = ir.Constant(lanes, [i if not i & block else i - block + LANES for i in range(LANES)])
            lower = ir.Constant(lanes, [i + block if not i & block else i + LANES for i in range(LANES)])
            for i in range(LANES):
                if not i & block:
                    a, b = rows[i], rows[i + block]
                    rows[i] = builder.shuffle_vector(a, b, upper)
                    rows[i + block] = builder.shuffle_vector(a, b, lower)
        for row in range(LANES):
            position = builder.add(written_start, written_start.type(row * LANES))
            builder.store(rows[row], _vector_pointer(builder, written, position), align=align)
        return context.get_dummy_value()

    return types.none(source, types.int64, types.int64, target, types.int64), codegen


def aligned_zeros(size: int, dtype: np.dtype[Any]) -> FloatArray:
    """(size,) zeros that start at a multiple of 64 bytes, so that no vector of sixteen crosses a cache line."""
    raw = np.zeros(size * dtype.itemsize + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size * dtype.itemsize].view(dtype)
