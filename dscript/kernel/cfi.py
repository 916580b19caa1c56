"""Call frame information (.eh_frame, .debug_frame) as rows for unwinding.

DWARF 5, section 6.4, tells the instructions; the LSB Core specification, chapter 10.6, how
.eh_frame differs.  Only what a walk by stack pointer, frame pointer and return address needs
is kept: the CFA, where the frame pointer is saved, and whether there is a caller at all.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from dscript.kernel.elf_headers import Section
from dscript.kernel.leb128 import sleb, uleb
from dscript.kernel.unwind_rows import Rule, Saved, fits, fits_saved, row


class Registers(NamedTuple):
    """DWARF's numbers of the registers that matter (x86-64 psABI, figure 3.36).

    `places` says of each register which word of struct pt_regs it is.
    """

    frame: int
    stack: int
    address: int  # where execution goes on
    places: tuple[int, ...]


X86_64: Final = Registers(
    frame=6,
    stack=7,
    address=16,
    # rax, rdx, rcx, rbx, rsi, rdi, rbp, rsp, r8 … r15 (arch/x86/include/asm/ptrace.h)
    places=(10, 12, 11, 5, 13, 14, 4, 19, 9, 8, 7, 6, 3, 2, 1, 0),
)


class Fragment(NamedTuple):
    """A stretch of code and its rows: (address, lower half of the row), in order."""

    start: int
    end: int
    rows: list[tuple[int, int]]


class _Entry(NamedTuple):
    """A common information entry."""

    code_factor: int
    data_factor: int
    encoding: int
    augmented: bool  # augmentation data has its length in front
    signal: bool
    state: _State  # after its initial instructions


# What an instruction sequence has come to: register of the CFA and offset in bytes, or an
# expression in their stead; where the frame pointer is saved; the rule for the return address.
_State = tuple[int, int, bytes, tuple[int, int], object]
_UNDEFINED: Final = "undefined"
_OTHER: Final = "other"  # computed
_IN_REGISTER: Final = "register "  # and its number
_SAME: Final = (int(Saved.SAME), 0)
_LOST: Final = (int(Saved.LOST), 0)

# <dwarf.h>: encodings of pointers, operations of expressions.
_PE_OMIT, _PE_FORM, _PE_APPLY, _PE_PCREL = 0xFF, 0x0F, 0x70, 0x10
_FORMS: Final = {0: "<Q", 2: "<H", 3: "<I", 4: "<Q", 10: "<h", 11: "<i", 12: "<q"}
_OP_DEREF, _OP_PLUS_UCONST, _OP_BREG0 = 0x06, 0x23, 0x70
# DW_OP_breg16 0, lit15, and, lit N, ge, lit3, shl, plus: what linkers write for the PLT.
_PLT_HEAD: Final = b"\x80\x00\x3f\x1a"
_PLT_TAIL: Final = b"\x2a\x33\x24\x22"
_LIT0: Final = 0x30


# Sizes of the operands of advance_loc1, 2 and 4; instructions about the CFA alone.
_ADVANCE: Final = {0x02: 1, 0x03: 2, 0x04: 4}
_CFA: Final = frozenset((0x0C, 0x0D, 0x0F, 0x12, 0x13))


class _BadFrames(Exception):
    """An instruction that is not known."""


# What reading an entry that is damaged may raise; it is left out.
_BROKEN: Final = (_BadFrames, IndexError, KeyError, ValueError, struct.error)


def fragments(section: Section, registers: Registers, *, debug: bool) -> list[Fragment]:
    """Every function's rows, in the section's order; `debug` says that it is .debug_frame.

    Entries that are damaged or of an unknown kind are left out.
    """
    try:
        return _Reader(section, registers, debug).read()
    except struct.error:  # it breaks off
        return []


class _Reader:
    def __init__(self, section: Section, registers: Registers, debug: bool) -> None:
        self.data = section.data
        self.address = section.address
        self.registers = registers
        self.debug = debug
        self._entries: dict[int, _Entry | None] = {}
        self._halves: dict[tuple[_State, bool], int] = {}

    def read(self) -> list[Fragment]:
        data, found = self.data, []
        at, size = 0, len(data)
        while at + 4 <= size:
            (length,) = struct.unpack_from("<I", data, at)
            start = at + 4
            if length == 0:  # the end of one object's entries
                at = start
                continue
            wide = length == 0xFFFFFFFF
            if wide:
                (length,) = struct.unpack_from("<Q", data, start)
                start += 8
            end = start + length
            if end > size:
                break
            (pointer,) = struct.unpack_from("<Q" if wide and self.debug else "<I", data, start)
            body = start + (8 if wide and self.debug else 4)
            if self.debug:
                is_common = pointer in (0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
            else:
                is_common, pointer = pointer == 0, start - pointer
            at = end
            if is_common:
                continue
            try:
                entry = self._entry(pointer)
                fragment = None if entry is None else self._fragment(entry, body, end)
            except _BROKEN:
                continue
            if fragment is not None and fragment.end > fragment.start > 0:
                found.append(fragment)
        return found

    def _entry(self, at: int) -> _Entry | None:
        """The common entry at an offset of the section; None for one that is not understood."""
        if at not in self._entries:
            self._entries[at] = self._read_entry(at)
        return self._entries[at]

    def _read_entry(self, at: int) -> _Entry | None:
        data = self.data
        (length,) = struct.unpack_from("<I", data, at)
        at += 4
        wide = length == 0xFFFFFFFF
        if wide:
            (length,) = struct.unpack_from("<Q", data, at)
            at += 8
        end = at + length
        at += 8 if wide and self.debug else 4
        version = data[at]
        zero = data.index(b"\0", at + 1)
        augmentation = data[at + 1 : zero]
        at = zero + 1
        if version == 4:
            at += 2  # sizes of addresses and of segment selectors
        code_factor, at = uleb(data, at)
        data_factor, at = sleb(data, at)
        if version == 1:
            address, at = data[at], at + 1
        else:
            address, at = uleb(data, at)
        if address != self.registers.address or augmentation[:1] not in (b"", b"z"):
            return None
        encoding = 0
        if augmentation:
            size, at = uleb(data, at)
            encoding = self._augmentation(augmentation[1:], at)
            at += size
        nothing: _State = (self.registers.stack, 0, b"", _SAME, None)
        signal = b"S" in augmentation
        entry = _Entry(code_factor, data_factor, encoding, bool(augmentation), signal, nothing)
        _, state = self._run(entry, at, end, 0)
        return entry._replace(state=state)

    def _augmentation(self, letters: bytes, at: int) -> int:
        """The encoding of the pointers of frame entries."""
        for letter in letters:
            if letter == ord("R"):
                return self.data[at]
            if letter == ord("L"):
                at += 1
            elif letter == ord("P"):
                encoding = self.data[at]
                at += 1 + struct.calcsize(_FORMS[encoding & _PE_FORM])
        return 0

    def _fragment(self, entry: _Entry, at: int, end: int) -> Fragment:
        data = self.data
        form = _FORMS[entry.encoding & _PE_FORM]
        size = struct.calcsize(form)
        (start,) = struct.unpack_from(form, data, at)
        if entry.encoding & _PE_APPLY == _PE_PCREL:
            start += self.address + at
        (length,) = struct.unpack_from(form.lower() if size == 8 else form, data, at + size)
        if length < 0:
            length += 1 << 8 * size
        at += 2 * size
        if entry.augmented:
            skip, at = uleb(data, at)
            at += skip
        rows, _ = self._run(entry, at, end, start)
        return Fragment(start, start + length, rows)

    def _run(
        self, entry: _Entry, at: int, end: int, location: int
    ) -> tuple[list[tuple[int, int]], _State]:
        """Carry out instructions: the rows from `location` on, and the state at the end.

        Those that files are full of are here, the others in `_seldom`.
        """
        data = self.data
        frame, address = self.registers.frame, self.registers.address
        factor, code_factor, signal = entry.data_factor, entry.code_factor, entry.signal
        register, offset, expression, saved, returns = entry.state
        rows: list[tuple[int, int]] = []
        kept: list[_State] = []
        while at < end:
            code = data[at]
            at += 1
            high = code & 0xC0
            if high == 0x40 or code in _ADVANCE:  # advance_loc, advance_loc1, 2, 4
                state = (register, offset, expression, saved, returns)
                rows.append((location, self._half(state, signal)))
                size = _ADVANCE.get(code, 0)
                delta = int.from_bytes(data[at : at + size], "little") if size else code & 0x3F
                location += delta * code_factor
                at += size
            elif high == 0x80:  # offset
                value, at = uleb(data, at)
                number = code & 0x3F
                if number == frame:
                    saved = _saved(Saved.AT_CFA, value * factor)
                elif number == address:
                    returns = value * factor
            elif high == 0xC0:  # restore
                number = code & 0x3F
                if number == frame:
                    saved = entry.state[3]
                elif number == address:
                    returns = entry.state[4]
            elif code == 0x0E:  # def_cfa_offset
                offset, at = uleb(data, at)
            elif code == 0x0A:  # remember_state
                kept.append((register, offset, expression, saved, returns))
            elif code == 0x0B:  # restore_state
                register, offset, expression, saved, returns = kept.pop()
            elif code != 0x00:  # nop
                state = (register, offset, expression, saved, returns)
                at, state = self._seldom(entry, code, at, state)
                register, offset, expression, saved, returns = state
        state = (register, offset, expression, saved, returns)
        rows.append((location, self._half(state, signal)))
        return rows, state

    def _seldom(self, entry: _Entry, code: int, at: int, state: _State) -> tuple[int, _State]:
        """Any other instruction: the place behind it, and the state after it."""
        if code in _CFA:
            return self._cfa_instruction(entry, code, at, state)
        data, factor = self.data, entry.data_factor
        register, offset, expression, saved, returns = state
        _, _, _, first_saved, first_returns = entry.state
        if code == 0x2D:  # GNU_window_save: other machines' alone
            return at, state
        number, at = uleb(data, at)
        how: tuple[tuple[int, int], object] = (_LOST, _OTHER)
        if code in (0x05, 0x11, 0x2F):  # offset_extended, _sf, GNU_negative_offset_extended
            value, at = (sleb if code == 0x11 else uleb)(data, at)
            value *= -factor if code == 0x2F else factor
            how = (_saved(Saved.AT_CFA, value), value)
        elif code in (0x14, 0x15):  # val_offset, val_offset_sf
            _, at = uleb(data, at)
        elif code == 0x06:  # restore_extended
            how = (first_saved, first_returns)
        elif code == 0x07:  # undefined
            how = (_LOST, _UNDEFINED)
        elif code == 0x08:  # same_value
            how = (_SAME, _OTHER)
        elif code == 0x09:  # register
            other, at = uleb(data, at)
            how = (_LOST, f"{_IN_REGISTER}{other}")
        elif code in (0x10, 0x16):  # expression, val_expression
            size, at = uleb(data, at)
            if code == 0x10:
                how = (self._saved_by(data[at : at + size]), _OTHER)
            at += size
        elif code != 0x2E:  # GNU_args_size, of which the number is all
            raise _BadFrames
        if code != 0x2E and number == self.registers.frame:
            saved = how[0]
        elif code != 0x2E and number == self.registers.address:
            returns = how[1]
        return at, (register, offset, expression, saved, returns)

    def _cfa_instruction(
        self, entry: _Entry, code: int, at: int, state: _State
    ) -> tuple[int, _State]:
        """The instructions about the CFA alone."""
        data = self.data
        register, offset, expression, saved, returns = state
        if code == 0x0F:  # def_cfa_expression
            size, at = uleb(data, at)
            return at + size, (register, offset, data[at : at + size], saved, returns)
        if code in (0x0C, 0x0D, 0x12):  # def_cfa, def_cfa_register, def_cfa_sf
            register, at = uleb(data, at)
            expression = b""
        if code == 0x0C:
            offset, at = uleb(data, at)
        elif code in (0x12, 0x13):  # def_cfa_sf, def_cfa_offset_sf
            value, at = sleb(data, at)
            offset = value * entry.data_factor
        return at, (register, offset, expression, saved, returns)

    # -- the lower half of a row

    def _half(self, state: _State, signal: bool) -> int:
        known = self._halves.get((state, signal))
        if known is None:
            known = self._halves[state, signal] = self._make_half(state, signal)
        return known

    def _make_half(self, state: _State, signal: bool) -> int:
        register, offset, expression, (saved, at), returns = state
        if signal:
            return row(0, Rule.SIGNAL)
        if returns == _UNDEFINED:
            return row(0, Rule.END)
        rule: int = Rule.NONE
        if expression:
            rule, offset, pushed = self._cfa_by(expression)
            if rule == Rule.PLT:
                saved, at = Saved.SAME, pushed
        elif register == self.registers.stack:
            rule = Rule.STACK
            if str(returns).startswith(_IN_REGISTER):
                return self._half_by_register(Rule.RETURN_IN_REGISTER, offset, state)
        elif register == self.registers.frame:
            rule = Rule.FRAME
        elif returns == -8:
            return self._half_by_register(Rule.REGISTER, offset, state)
        if returns != -8 or not fits(offset):
            rule = Rule.NONE
        return row(0, Rule.NONE) if rule == Rule.NONE else row(0, rule, offset, saved, at)

    def _half_by_register(self, rule: Rule, offset: int, state: _State) -> int:
        """Of instructions at which another register counts: no calls are made there."""
        register, _, _, saved, returns = state
        if rule == Rule.RETURN_IN_REGISTER:
            register = int(str(returns).removeprefix(_IN_REGISTER))
        if saved != _SAME or not fits(offset) or register >= len(self.registers.places):
            return row(0, Rule.NONE)
        return row(0, rule, offset, Saved.SAME, 8 * self.registers.places[register])

    def _cfa_by(self, expression: bytes) -> tuple[int, int, int]:
        """(rule, offset, where the PLT entry's second half begins in words) of a CFA."""
        register, offset, rest = self._based(expression)
        on_stack = register == self.registers.stack
        if rest == bytes((_OP_DEREF,)):
            return (Rule.STACK_WORD if on_stack else Rule.FRAME_WORD), offset, 0
        if rest == bytes((_OP_DEREF, _OP_PLUS_UCONST, 8)):
            return (Rule.STACK_WORD_ABOVE if on_stack else Rule.FRAME_WORD_ABOVE), offset, 0
        if on_stack and rest[:4] == _PLT_HEAD and rest[5:] == _PLT_TAIL:
            return Rule.PLT, offset, 8 * (rest[4] - _LIT0)
        return Rule.NONE, 0, 0

    def _saved_by(self, expression: bytes) -> tuple[int, int]:
        register, offset, rest = self._based(expression)
        if register == self.registers.frame and not rest:
            return _saved(Saved.AT_FRAME, offset)
        return _LOST

    def _based(self, expression: bytes) -> tuple[int, int, bytes]:
        """Register and offset that an expression starts from, and what follows; (-1, …)."""
        for register in (self.registers.stack, self.registers.frame):
            if expression[:1] == bytes((_OP_BREG0 + register,)):
                offset, at = sleb(expression, 1)
                return register, offset, expression[at:]
        return -1, 0, b"?"


def _saved(kind: int, at: int) -> tuple[int, int]:
    return (int(kind), at) if fits_saved(at) else _LOST
