/* The calls of a native app at API level 26, as far as the examples need them. Numbers: tallystick/device/native/table.py. */
#ifndef TALLY_H
#define TALLY_H

typedef unsigned char u8;
typedef unsigned int u32;

#define CALL_EXIT 0x0100009au
#define CALL_RECEIVE 0x03000089u
#define CALL_SEND 0x04000088u
#define CALL_NVM_WRITE 0x03000003u
#define CALL_REQUEST 0x04f00001u

#define PACKET_APDU 0x20

/* svc 1: number in r0, arguments in an array that r1 points to; result in r0, exception in r1 */
static inline u32 tally_call(u32 number, const u32 *arguments, u32 *thrown)
{
    register u32 r0 __asm__("r0") = number;
    register u32 r1 __asm__("r1") = (u32) arguments;
    __asm__ volatile("svc #1" : "+r"(r0), "+r"(r1) : : "r2", "r3", "memory");
    if (thrown) {
        *thrown = r1;
    }
    return r0;
}

static inline u32 tally_receive(u8 *packet, u32 room)
{
    u32 arguments[3] = {(u32) packet, room, 0};
    return tally_call(CALL_RECEIVE, arguments, 0);
}

static inline void tally_send(u8 kind, const u8 *data, u32 size)
{
    u32 arguments[4] = {kind, (u32) data, size, 0};
    tally_call(CALL_SEND, arguments, 0);
}

/* write into the app's own data in flash; returns the exception, 0 when it was done */
static inline u32 tally_keep(const void *target, const void *source, u32 size)
{
    u32 arguments[3] = {(u32) target, (u32) source, size}, thrown;
    tally_call(CALL_NVM_WRITE, arguments, &thrown);
    return thrown;
}

/* one system call in the form that every app uses; returns the length of the outcome */
static inline u32 tally_request(const u8 *request, u32 size, u8 *outcome, u32 room)
{
    u32 arguments[4] = {(u32) request, size, (u32) outcome, room};
    return tally_call(CALL_REQUEST, arguments, 0);
}

#endif
