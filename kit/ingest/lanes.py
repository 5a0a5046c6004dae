"""Bytes looked at thirty-two at a time, inside compiled functions.

Numba compiles a loop over bytes as it stands, one byte a step, because where it stops is not known before. Here a load,
the comparisons and the bits of their outcome are single steps of LLVM, which every processor has in some width.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

WIDTH = 32
_BYTE, _BITS = ir.IntType(8), ir.IntType(WIDTH)
_LANES = ir.VectorType(_BYTE, WIDTH)


@intrinsic
def first_stop(typing, data, i):
    """How many bytes from `i` on are plain letters of a JSON string: no mark, no backslash, no control; 32 if all."""
    def generate(context, builder, signature, given):
        letters = _load(context, builder, signature, given)
        found = builder.icmp_unsigned("<", letters, _all(32))
        for letter in (34, 92):
            found = builder.or_(found, builder.icmp_unsigned("==", letters, _all(letter)))
        return _first(builder, found)
    return types.int64(data, types.int64), generate


@intrinsic
def first_no_figure(typing, data, i):
    """How many bytes from `i` on are figures; 32 if all are."""
    def generate(context, builder, signature, given):
        letters = builder.sub(_load(context, builder, signature, given), _all(48))
        return _first(builder, builder.icmp_unsigned(">", letters, _all(9)))
    return types.int64(data, types.int64), generate


@intrinsic
def first_unlike(typing, data, i, other, j):
    """How many bytes from `i` of `data` on are those from `j` of `other` on; 32 if all are."""
    def generate(context, builder, signature, given):
        left = _load(context, builder, signature, given)
        right = _load(context, builder, signature, given, 2)
        return _first(builder, builder.icmp_unsigned("!=", left, right))
    return types.int64(data, types.int64, other, types.int64), generate


@intrinsic
def lanes_of(typing, data, i, letter):
    """Which of the 32 bytes from `i` on are `letter`, the first one in the lowest bit."""
    def generate(context, builder, signature, given):
        wanted = builder.insert_element(ir.Constant(_LANES, ir.Undefined), given[2], ir.Constant(ir.IntType(32), 0))
        spread = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
        wanted = builder.shuffle_vector(wanted, ir.Constant(_LANES, ir.Undefined), spread)
        found = builder.icmp_unsigned("==", _load(context, builder, signature, given), wanted)
        return builder.zext(builder.bitcast(found, _BITS), ir.IntType(64))
    return types.uint64(data, types.int64, types.uint8), generate


@intrinsic
def lowest(typing, bits):
    """The place of the lowest bit that is set; there must be one."""
    def generate(context, builder, signature, given):
        return builder.cttz(given[0], ir.Constant(ir.IntType(1), 1))
    return types.int64(types.uint64), generate


@intrinsic
def copy_lanes(typing, data, i, out, at):
    """Copy the 32 bytes from `i` on to `out`, from `at` on."""
    def generate(context, builder, signature, given):
        letters = _load(context, builder, signature, given)
        builder.store(letters, _at(context, builder, signature, given, 2), align=1)
        return context.get_dummy_value()
    return types.void(data, types.int64, out, types.int64), generate


def _load(context, builder, signature, given, first=0):
    return builder.load(_at(context, builder, signature, given, first), align=1)


def _at(context, builder, signature, given, first):
    """Where the place of an array, both among the arguments, lies in memory."""
    array = context.make_array(signature.args[first])(context, builder, given[first])
    return builder.bitcast(builder.gep(array.data, [given[first + 1]]), _LANES.as_pointer())


def _all(value):
    return ir.Constant(_LANES, [value] * WIDTH)


def _first(builder, found):
    """The first lane that is true; the width if none is."""
    bits = builder.bitcast(found, _BITS)
    return builder.zext(builder.cttz(bits, ir.Constant(ir.IntType(1), 0)), ir.IntType(64))


__all__ = ["WIDTH", "copy_lanes", "first_no_figure", "first_stop", "first_unlike", "lanes_of", "lowest"]
