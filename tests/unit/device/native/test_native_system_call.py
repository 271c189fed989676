"""What the system says of itself to native apps, and what it refuses by name."""

import pytest
from native_program import END, FLASH, RAM, call
from test_native_program import Run

from tallystick.wire.syscall import Log

# include/syscalls.h of API levels 22 and 26
IS_RUNNING, FLAGS, LOG, LOG_NUMBER = 0x0100009B, 0x0000006A, 0x0100011E, 0x02000080


@pytest.mark.parametrize(("task", "told"), [(2, 0xAA), (0, 0x55), (4, 0x55)])
def test_one_task_runs(task, told):
    """The app's task runs, and no other does."""
    assert Run(call(IS_RUNNING, task) + END).result == (told, 0)


def test_lines_of_an_app_go_to_the_log():
    """An app's own lines are logged, with a number behind them where there is one; one that does not end is none."""
    size = len(call(LOG, 0)) + len(call(LOG_NUMBER, 0, 7)) + len(END)
    run = Run(call(LOG, FLASH + size) + call(LOG_NUMBER, FLASH + size, 7) + END + b"line \0\0\0")
    assert run.requests == [Log("line "), Log("line 7")]
    endless = Run(call(LOG, RAM) + END)
    assert endless.result == (0, 0)
    assert Run(call(LOG, 0x30000000) + END).result == (0, 2)


def test_flags_say_that_the_device_is_set_up():
    """Flags say that the MCU is signed, the device set up, and the PIN entered."""
    assert Run(call(FLAGS) + END).result == (0x86, 0)


@pytest.mark.parametrize(
    ("number", "arguments", "name"),
    [
        (0x0100010A, (FLASH,), "nvm_write_page"),
        (0x01000136, (FLASH,), "nvm_erase_page"),
        (0x020000A1, (RAM, 4), "os_global_pin_check"),
    ],
)
def test_what_is_the_system_s_alone_is_a_security_exception(number, arguments, name):
    """Pages of flash and the PIN are not an app's: it gets the exception for that, once a line is logged, and nothing changes."""
    done = Run(call(number, *arguments) * 2 + END)
    [line] = done.requests
    assert line.text.startswith(f"{name}: ")
    assert done.result == (0, 3)
