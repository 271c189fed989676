/* Where an app begins, what it was built for, and the two ways to call the OS. */
#include "tally.h"

#ifndef TALLY_TARGET
#define TALLY_TARGET TALLY_TARGET_NANOX
#endif

TALLY_PLACE("ledger.target_id") static const char TARGET[] = TALLY_TARGET;
TALLY_PLACE("ledger.api_level") static const char LEVEL[] = "26";

/* the linker's: where code and RAM begin. What is computed from these names is where they lie now */
extern const uint8_t _text[];
extern uint8_t _bss[];
#define TEXT_LINKED_AT 0xc0de0000u
#define TEXT_BYTES 0x64000u
#define RAM_LINKED_AT 0xda7a0000u
#define RAM_BYTES 0x10000u

/* memory is zero, the stack is set up, r9 points to the app's RAM */
__attribute__((section(".boot"), used)) void tally_start(void)
{
    app_main();
    tally_exit();
}

uint32_t tally_call(uint32_t number, const uint32_t *arguments, uint32_t *thrown)
{
    register uint32_t r0 __asm__("r0") = number;
    register uint32_t r1 __asm__("r1") = (uint32_t) arguments;
    __asm__ volatile("svc #1" : "+r"(r0), "+r"(r1) : : "r2", "r3", "memory");
    if (thrown != NULL) {
        *thrown = r1;
    }
    return r0;
}

uint32_t tally_request(const uint8_t *request, uint32_t size, uint8_t *outcome, uint32_t room)
{
    uint32_t arguments[] = {(uint32_t) request, size, (uint32_t) outcome, room};
    return tally_call(CALL_TALLY_REQUEST, arguments, NULL);
}

const void *tally_pic(const void *pointer)
{
    uint32_t in_text = (uint32_t) pointer - TEXT_LINKED_AT, in_ram = (uint32_t) pointer - RAM_LINKED_AT;
    return in_text < TEXT_BYTES ? _text + in_text : in_ram < RAM_BYTES ? _bss + in_ram : pointer;
}

_Noreturn void tally_exit(void)
{
    uint32_t arguments[] = {0};
    for (;;) {
        tally_call(CALL_OS_SCHED_EXIT, arguments, NULL);
    }
}

uint32_t tally_keep(const volatile void *target, const void *source, uint32_t size)
{
    uint32_t arguments[] = {(uint32_t) target, (uint32_t) source, size}, thrown;
    tally_call(CALL_NVM_WRITE, arguments, &thrown);
    return thrown;
}
