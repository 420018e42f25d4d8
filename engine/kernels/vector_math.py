"""exp, tanh and the activation functions on vectors: polynomials with stated errors, the same bits on any machine."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numba.core import types
from numba.extending import overload

from engine.compiled import inlined
from engine.errors import ConfigurationError
from engine.kernels.simd import (
    Lanes,
    Vector,
    add,
    divide,
    fma,
    maximum,
    multiply,
    power_of_two,
    splat,
    subtract,
    where_less,
)

if TYPE_CHECKING:
    from engine.activations import Activation

_F = np.float32
_D = np.float64


def exp(x: Lanes) -> Lanes:
    """eˣ of each lane; relative error below 1.2e-7 (float32) and 4e-16 (float64).

    x = k ln 2 + r with |r| ≤ ½ ln 2, so eˣ = 2ᵏ eʳ; eʳ by a polynomial (Cephes' coefficients in float32, Taylor's to
    r¹³/13! in float64, whose remainder is below 4e-18). Valid for x ≤ 88 (709 in float64); below −87 (−708) the result
    is 0 rather than a slow denormal number. NaN stays NaN.
    """
    raise NotImplementedError("only inside compiled functions")


def tanh(x: Lanes) -> Lanes:
    """The hyperbolic tangent of each lane; relative error below 6e-7 (float32) and 4e-16 (float64). NaN stays NaN.

    float32: a rational function of x clamped to ±7.9 (Eigen's coefficients), odd over even. float64: Cephes' rational
    function below |x| = 0.625 and 1 − 2/(e²ˣ + 1) above.
    """
    raise NotImplementedError("only inside compiled functions")


@inlined
def _exp32(x: Lanes) -> Lanes:
    magic = splat(_F(12582912.0))  # 1.5 × 2²³: adding it rounds to an integer
    bounded = where_less(x, splat(_F(-87.0)), splat(_F(-87.0)), x)
    shifted = fma(bounded, splat(_F(1.44269504088896341)), magic)
    k = subtract(shifted, magic)
    r = fma(k, splat(_F(-0.693359375)), bounded)
    r = fma(k, splat(_F(2.12194440e-4)), r)
    p = fma(splat(_F(1.9875691500e-4)), r, splat(_F(1.3981999507e-3)))
    p = fma(p, r, splat(_F(8.3334519073e-3)))
    p = fma(p, r, splat(_F(4.1665795894e-2)))
    p = fma(p, r, splat(_F(1.6666665459e-1)))
    p = fma(p, r, splat(_F(5.0000001201e-1)))
    p = add(fma(p, multiply(r, r), r), splat(_F(1.0)))
    return where_less(x, splat(_F(-87.0)), splat(_F(0.0)), multiply(p, power_of_two(shifted)))


@inlined
def _exp64(x: Lanes) -> Lanes:
    magic = splat(_D(6755399441055744.0))  # 1.5 × 2⁵²
    bounded = where_less(x, splat(_D(-708.0)), splat(_D(-708.0)), x)
    shifted = fma(bounded, splat(_D(1.4426950408889634074)), magic)
    k = subtract(shifted, magic)
    r = fma(k, splat(_D(-6.93147180369123816490e-1)), bounded)
    r = fma(k, splat(_D(-1.90821492927058770002e-10)), r)
    p = fma(splat(_D(1 / 6227020800)), r, splat(_D(1 / 479001600)))
    p = fma(p, r, splat(_D(1 / 39916800)))
    p = fma(p, r, splat(_D(1 / 3628800)))
    p = fma(p, r, splat(_D(1 / 362880)))
    p = fma(p, r, splat(_D(1 / 40320)))
    p = fma(p, r, splat(_D(1 / 5040)))
    p = fma(p, r, splat(_D(1 / 720)))
    p = fma(p, r, splat(_D(1 / 120)))
    p = fma(p, r, splat(_D(1 / 24)))
    p = fma(p, r, splat(_D(1 / 6)))
    p = fma(p, r, splat(_D(1 / 2)))
    p = add(fma(p, multiply(r, r), r), splat(_D(1.0)))
    return where_less(x, splat(_D(-708.0)), splat(_D(0.0)), multiply(p, power_of_two(shifted)))


@inlined
def _tanh32(x: Lanes) -> Lanes:
    limit = splat(_F(7.90531110763549805))
    x = where_less(limit, x, limit, x)
    x = where_less(x, splat(_F(-7.90531110763549805)), splat(_F(-7.90531110763549805)), x)
    z = multiply(x, x)
    p = fma(splat(_F(-2.76076847742355e-16)), z, splat(_F(2.00018790482477e-13)))
    p = fma(p, z, splat(_F(-8.60467152213735e-11)))
    p = fma(p, z, splat(_F(5.12229709037114e-08)))
    p = fma(p, z, splat(_F(1.48572235717979e-05)))
    p = fma(p, z, splat(_F(6.37261928875436e-04)))
    p = fma(p, z, splat(_F(4.89352455891786e-03)))
    q = fma(splat(_F(1.19825839466702e-06)), z, splat(_F(1.18534705686654e-04)))
    q = fma(q, z, splat(_F(2.26843463243900e-03)))
    q = fma(q, z, splat(_F(4.89352518554385e-03)))
    return divide(multiply(x, p), q)


@inlined
def _tanh64(x: Lanes) -> Lanes:
    z = multiply(x, x)
    p = fma(splat(_D(-9.64399179425052238628e-1)), z, splat(_D(-9.92877231001918586564e1)))
    p = fma(p, z, splat(_D(-1.61468768441708447952e3)))
    q = add(z, splat(_D(1.12811678491632931402e2)))
    q = fma(q, z, splat(_D(2.23548839060100448583e3)))
    q = fma(q, z, splat(_D(4.84406305325125486048e3)))
    near = fma(multiply(x, z), divide(p, q), x)
    size = maximum(x, subtract(splat(_D(0.0)), x))
    size = where_less(splat(_D(20.0)), size, splat(_D(20.0)), size)
    far = subtract(splat(_D(1.0)), divide(splat(_D(2.0)), add(exp(add(size, size)), splat(_D(1.0)))))
    far = where_less(x, splat(_D(0.0)), subtract(splat(_D(0.0)), far), far)
    # `near` is chosen on a true comparison only, and a NaN compares false: it goes through `size` and `far`.
    return where_less(size, splat(_D(0.625)), near, far)


@overload(exp, jit_options={"forceinline": True})  # type: ignore[untyped-decorator, unused-ignore]
def _overload_exp(x: Any) -> Any:
    if not isinstance(x, Vector):
        return None
    chosen = _exp32 if x.element == types.float32 else _exp64

    def implementation(x: Any) -> Any:
        return chosen(x)

    return implementation


@overload(tanh, jit_options={"forceinline": True})  # type: ignore[untyped-decorator, unused-ignore]
def _overload_tanh(x: Any) -> Any:
    if not isinstance(x, Vector):
        return None
    chosen = _tanh32 if x.element == types.float32 else _tanh64

    def implementation(x: Any) -> Any:
        return chosen(x)

    return implementation


@inlined
def _relu(z: Lanes) -> Lanes:
    """max(z, 0); NaN stays NaN."""
    nothing = subtract(z, z)
    return where_less(z, nothing, nothing, z)


@inlined
def _relu_derivative(a: Lanes, one: Lanes) -> Lanes:
    """1 where the unit is on."""
    nothing = subtract(one, one)
    return where_less(nothing, a, one, nothing)


@inlined
def _tanh_derivative(a: Lanes, one: Lanes) -> Lanes:
    """1 − a²."""
    return fma(subtract(subtract(one, one), a), a, one)


@dataclass(frozen=True)
class VectorForm:
    """An activation of `engine.activations` on vectors.

    Attributes:
        function: z → σ(z). NaN stays NaN, so that divergence shows.
        derivative: (a, one) → σ'(z) from a = σ(z), which is all that the kernels keep of a forward pass; `one` is a
            vector of ones. An activation whose derivative needs z has no vector form.
    """

    function: Callable[[Lanes], Lanes]
    derivative: Callable[[Lanes, Lanes], Lanes]


VECTOR_FORMS = {
    "relu": VectorForm(_relu, _relu_derivative),
    "tanh": VectorForm(tanh, _tanh_derivative),
}


# The code of no activation, for networks without a hidden layer: the kernels raise where they meet it.
UNKNOWN = -1


def code_of(activation: "Activation") -> int:
    """How the kernels are told which activation to take.

    Raises:
        ConfigurationError: it has no vector form.
    """
    if activation.name not in VECTOR_FORMS:
        raise ConfigurationError(f"the activation {activation.name!r} has no vector form, which the kernels need")
    return list(VECTOR_FORMS).index(activation.name)


def _chosen_by_code(functions: Sequence[Callable[..., Lanes]], code: int = 0) -> Callable[..., Lanes]:
    """(code, …) → the function of that code applied to the rest; a code beyond the last is an error."""
    function = functions[0]
    if len(functions) == 1:

        @inlined
        def choose_last(asked: int, *vectors: Lanes) -> Lanes:
            if asked != code:
                raise ValueError("no activation has this code")
            return function(*vectors)

        return choose_last
    following = _chosen_by_code(functions[1:], code + 1)

    @inlined
    def choose(asked: int, *vectors: Lanes) -> Lanes:
        if asked == code:
            return function(*vectors)
        return following(asked, *vectors)

    return choose


# (code, z) → σ(z), and (code, a, one) → σ'(z).
activate = _chosen_by_code([form.function for form in VECTOR_FORMS.values()])
activation_derivative = _chosen_by_code([form.derivative for form in VECTOR_FORMS.values()])
