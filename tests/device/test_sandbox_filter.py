"""The system call filter, run instruction by instruction for both architectures, and the numbers it is made of."""

import ctypes
import ctypes.util
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.device.sandbox.role import Role, profile
from tallystick.device.sandbox.seccomp import Refusal, assemble
from tallystick.device.sandbox.syscall_table import AARCH64, ARCHITECTURES, NUMBERS, X86_64, architecture

ALLOW = 0x7FFF0000
I386 = 0x40000003
#: roles that begin at nothing, and roles that give away
CONFINED = [role for role in Role if not profile(role).is_permissive]
PERMISSIVE = [role for role in Role if profile(role).is_permissive]
#: arguments that satisfy no condition and every mask test: all bits set
FULL = (0xFFFF_FFFF_FFFF_FFFF,) * 6
#: every call with conditions: arguments that pass, and arguments that do not
CONDITIONAL = {
    "mmap": ((0, 4096, 3, 0x22, 0, 0), [(0, 4096, 7, 0x22, 0, 0), (0, 4096, 4, 2, 3, 0), (0, 0, 1 << 32 | 5, 0, 0, 0)]),
    "mprotect": ((0, 4096, 3, 0, 0, 0), [(0, 4096, 7, 0, 0, 0), (0, 4096, 5, 0, 0, 0)]),
    "sendto": ((3, 0, 9, 0x4000, 0, 0), [(3, 0, 9, 0x2000_0000, 0, 0), (3, 0, 9, 0x2000_4000, 1, 16)]),
    "sendmsg": ((3, 0, 0x4000, 0, 0, 0), [(3, 0, 0x2000_0000, 0, 0, 0)]),
    "ioctl": ((3, 0x5421, 1, 0, 0, 0), [(3, 0x5412, 1, 0, 0, 0), (3, 0, 0, 0, 0, 0), (3, 0x5452, 1, 0, 0, 0)]),
    "setsockopt": (
        (3, 6, 1, 0, 4, 0),
        [(3, 6, 30, 0, 4, 0), (3, 1, 1, 0, 4, 0), (3, 0, 1, 0, 4, 0), (3, 6, 23, 0, 4, 0)],
    ),
}


def run(program, *, number, arch, arguments=(0,) * 6):
    """Run a filter as the kernel does and return its verdict; every jump must stay inside."""
    data = struct.pack("=IIQ6Q", number, arch, 0, *arguments)
    instructions = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    register = at = 0
    while True:
        code, then, otherwise, operand = instructions[at]
        at += 1
        match code:
            case 0x20:
                register = struct.unpack_from("=I", data, operand)[0]
            case 0x54:
                register &= operand
            case 0x15:
                at += then if register == operand else otherwise
            case 0x35:
                at += then if register >= operand else otherwise
            case 0x06:
                return operand
            case _:
                raise AssertionError(f"no such instruction: {code:#x}")


def rules_of(role, arch):
    """Return the rules of a role that mean something on this architecture, by number."""
    return {arch.number(rule.call): rule for rule in profile(role).rules if arch.number(rule.call) is not None}


@pytest.mark.parametrize("arch", ARCHITECTURES, ids=lambda arch: arch.name)
@pytest.mark.parametrize("role", CONFINED)
@pytest.mark.parametrize("refusal", [Refusal.KILL, Refusal.ERRNO])
def test_a_call_is_allowed_if_and_only_if_it_is_listed(arch, role, refusal):
    """Of all numbers there are, those of the table pass, and those with conditions do not with any odd arguments."""
    program = assemble(arch, profile(role).rules, refusal)
    rules = rules_of(role, arch)
    for number in range(1024):
        rule = rules.get(number)
        expected = ALLOW if rule and not rule.conditions else refusal
        assert run(program, number=number, arch=arch.audit, arguments=FULL) == expected, number


@pytest.mark.parametrize("arch", ARCHITECTURES, ids=lambda arch: arch.name)
@pytest.mark.parametrize("role", PERMISSIVE)
def test_a_permissive_role_is_refused_what_is_named_and_nothing_else(arch, role):
    """Of all numbers there are, those of the table fail, one of them as if the kernel had none, and the rest pass."""
    program = assemble(arch, profile(role).rules, Refusal.ERRNO, is_permissive=True)
    rules = rules_of(role, arch)
    for number in range(1024):
        rule = rules.get(number)
        refused = Refusal.ABSENT if rule and rule.is_absent else Refusal.ERRNO
        arguments = (0x1_0000_0003,) * 6  # a domain that is none, and no thread
        assert run(program, number=number, arch=arch.audit, arguments=arguments) == (refused if rule else ALLOW), number


@pytest.mark.parametrize("arch", ARCHITECTURES, ids=lambda arch: arch.name)
def test_the_panel_starts_threads_and_no_processes_and_speaks_tcp_alone(arch):
    """Its conditions look at the kind of clone and of socket."""
    program = assemble(arch, profile(Role.PANEL).rules, Refusal.ERRNO, is_permissive=True)

    def verdict(call, first):
        return run(program, number=arch.number(call), arch=arch.audit, arguments=(first, 0, 0, 0, 0, 0))

    assert verdict("clone", 0x3D0F00) == ALLOW
    assert verdict("socket", 2) == ALLOW
    for call, first in (("clone", 17), ("clone", 0x1000_0011), ("socket", 1), ("socket", 10), ("socket", 16)):
        assert verdict(call, first) == Refusal.ERRNO


@pytest.mark.parametrize("role", PERMISSIVE)
def test_no_role_at_all_looks_into_others_or_loads_into_the_kernel(role):
    """What no process of the device needs is refused to those that are not confined as well."""
    never = {
        "ptrace",
        "process_vm_readv",
        "process_vm_writev",
        "bpf",
        "io_uring_setup",
        "userfaultfd",
        "mount",
        "unshare",
    }
    never |= {"kexec_load", "kexec_file_load", "init_module", "finit_module", "pidfd_getfd", "setns", "keyctl", "bind"}
    assert never <= {rule.call for rule in profile(role).rules if not rule.conditions}


@pytest.mark.parametrize("arch", ARCHITECTURES, ids=lambda arch: arch.name)
@pytest.mark.parametrize("call", CONDITIONAL)
def test_conditions_look_at_the_arguments(arch, call):
    """Memory may not be code, sending may not connect, and of all controls only the two that an event loop needs pass."""
    program = assemble(arch, profile(Role.NORMAL).rules, Refusal.ERRNO)
    good, bad = CONDITIONAL[call]
    number = arch.number(call)
    assert run(program, number=number, arch=arch.audit, arguments=good) == ALLOW
    for arguments in bad:
        assert run(program, number=number, arch=arch.audit, arguments=arguments) == Refusal.ERRNO


def test_every_conditional_call_is_tried_above():
    """No role has a condition that the test above does not know."""
    found = {rule.call for role in CONFINED for rule in profile(role).rules if rule.conditions}
    assert found == set(CONDITIONAL)


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_no_protection_with_the_code_bit_passes(address, protection):
    """Whatever else the argument holds, the executable bit decides, as it does in the kernel."""
    program = assemble(X86_64, profile(Role.APP).rules, Refusal.KILL)
    verdict = run(program, number=9, arch=X86_64.audit, arguments=(address, 1, protection, 0, 0, 0))
    assert verdict == (Refusal.KILL if protection & 4 else ALLOW)


@pytest.mark.parametrize("refusal", Refusal)
@pytest.mark.parametrize("number", [0, 1, 9, 60, 231])
def test_another_architecture_is_killed_even_in_a_self_test(refusal, number):
    """Numbers mean other calls there, so not even allowed ones may come through that door."""
    for mine, other in ((X86_64, I386), (X86_64, AARCH64.audit), (AARCH64, X86_64.audit), (AARCH64, 0x40000028)):
        program = assemble(mine, profile(Role.APP).rules, refusal)
        assert run(program, number=number, arch=other) == Refusal.KILL


@pytest.mark.parametrize("refusal", Refusal)
@pytest.mark.parametrize("number", [0x40000000, 0x40000001, 0x40000027, 0x7FFFFFFF, 0xFFFFFFFF])
def test_x32_numbers_are_killed_even_in_a_self_test(refusal, number):
    """The same calls under another number would pass by every rule."""
    program = assemble(X86_64, profile(Role.NORMAL).rules, refusal)
    assert run(program, number=number, arch=X86_64.audit) == Refusal.KILL


def test_no_confined_role_can_open_connect_start_or_signal():
    """The tables hold none of the calls that make something out of nothing."""
    never = {"open", "openat", "openat2", "socket", "connect", "bind", "execve", "execveat", "fork", "clone", "clone3"}
    never |= {
        "kill",
        "tgkill",
        "ptrace",
        "prctl",
        "seccomp",
        "memfd_create",
        "io_uring_setup",
        "shutdown",
        "recvmsg",
        "dup",
    }
    assert not {rule.call for role in CONFINED for rule in profile(role).rules} & never


def test_only_the_normal_world_accepts():
    """A role without a listening socket has no call for one."""
    accepting = {role for role in CONFINED if any(rule.call == "accept4" for rule in profile(role).rules)}
    assert accepting == {Role.NORMAL}


def test_a_filter_is_short():
    """The program stays far below the kernel's limit of 4,096 instructions."""
    assert (
        max(len(assemble(arch, profile(role).rules, Refusal.KILL)) // 8 for arch in ARCHITECTURES for role in Role)
        < 256
    )


def test_numbers_are_unique_on_each_architecture():
    """No two names share a number: one of them would be wrong."""
    for arch in ARCHITECTURES:
        numbers = [arch.number(call) for call in NUMBERS if arch.number(call) is not None]
        assert len(numbers) == len(set(numbers))


#: from the tables of the Linux source (arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h)
KNOWN = {
    "read": (0, 63),
    "write": (1, 64),
    "mmap": (9, 222),
    "openat": (257, 56),
    "seccomp": (317, 277),
    "exit_group": (231, 94),
}


def test_numbers_are_those_of_the_kernel_and_of_libseccomp():
    """A few numbers are known by heart; where libseccomp is installed, it knows every one."""
    for call, numbers in KNOWN.items():
        assert NUMBERS[call] == numbers
    name = ctypes.util.find_library("seccomp")
    if name is None:
        return
    library = ctypes.CDLL(name)
    resolve = library.seccomp_syscall_resolve_name_arch
    for call in NUMBERS:
        for arch in ARCHITECTURES:
            theirs = resolve(ctypes.c_uint32(arch.audit), call.encode())
            assert arch.number(call) == (theirs if theirs >= 0 else None), (call, arch.name)


def test_an_unknown_machine_has_no_table():
    """Numbers are not guessed: what is not known here is reported as missing."""
    assert architecture("x86_64") is X86_64
    assert architecture("aarch64") is AARCH64
    assert architecture("riscv64") is None
