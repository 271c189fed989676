/* What a native app says to the OS: APDUs, screens, keys, flash. Every function is in source/, a few lines each.
 *
 * Functions that can be refused return a number of bytes or a status; statuses are TALLY_STATUS_* of tally_call.h, 0 is OK.
 */
#ifndef TALLY_H
#define TALLY_H

#include <stddef.h>
#include <stdint.h>

#include "tally_call.h"

/* the largest APDU that `tally_receive` takes: header, length byte, 255 bytes */
#define TALLY_MAX_APDU 260
#define TALLY_HARDENED 0x80000000u

/* one command, as it came; `data` has `size` bytes */
struct tally_apdu {
    uint8_t cla, ins, p1, p2;
    uint32_t size;
    const uint8_t *data;
};

/* one line of a review */
struct tally_item {
    const char *title;
    const char *value;
};

/* -- what the OS asks for itself ------------------------------------------------------------------------------------- */

/* svc 1: number in r0, arguments in an array that r1 points to. Returns r0; the exception, 0 for none, goes to `thrown` (or NULL) */
uint32_t tally_call(uint32_t number, const uint32_t *arguments, uint32_t *thrown);

/* one system call of docs/reference/syscalls: writes status and value into `outcome`, returns how many bytes, 0 when `room` is too small */
uint32_t tally_request(const uint8_t *request, uint32_t size, uint8_t *outcome, uint32_t room);

/* where a link address lies now. Nobody moves pointers that the compiler has put into constant data, and that may be any
 * array or struct with a first value: pass them through here before you follow them. The OS does so with all that it is given */
const void *tally_pic(const void *pointer);

/* end the app */
_Noreturn void tally_exit(void);

/* -- APDUs ----------------------------------------------------------------------------------------------------------- */

/* wait for the next well-formed command; malformed ones are answered 6700 here */
struct tally_apdu tally_receive(void);

/* answer it: at most 255 bytes, then the status word */
void tally_answer(const uint8_t *data, uint32_t size, uint16_t status);

/* -- screens, which the OS draws ------------------------------------------------------------------------------------- */

/* the screen that is shown while the app waits: its name, and "Quit" */
void tally_idle(const char *title);

/* let the person check `count` items and decide; `kind` is TALLY_REVIEW_*. Returns 1 when approved */
int tally_review(uint8_t kind, const struct tally_item *items, uint32_t count);

/* tell the person something; `tone` is TALLY_TONE_* */
void tally_notice(const char *text, uint8_t tone);

/* a line for the developer, in the device's log; never a secret */
void tally_log(const char *text);

/* -- keys, at and below the paths of TALLY_APP alone; private keys stay in the OS -------------------------------------- */

/* public key of a path: 65 bytes (secp256k1, secp256r1) or 32 (ed25519). Returns the status */
uint8_t tally_public_key(uint8_t curve, const uint32_t *path, uint32_t levels, uint8_t *key);

/* sign a digest of 32 bytes (ECDSA, DER). Returns bytes written, at most 72, or 0 with the status in `*status` */
uint32_t tally_sign(
    uint8_t curve, const uint32_t *path, uint32_t levels, const uint8_t *digest, uint8_t *signature, uint8_t *status);

/* random bytes, at most TALLY_MAX_RANDOM */
uint8_t tally_random(uint8_t *data, uint32_t size);

/* -- flash ----------------------------------------------------------------------------------------------------------- */

/* what an app keeps: `TALLY_KEEP const volatile uint32_t counter = 0;` is read as it is and written by `tally_keep` */
#define TALLY_KEEP __attribute__((section(".keep")))

/* write into what the app keeps. Returns the exception, 0 when it was done */
uint32_t tally_keep(const volatile void *target, const void *source, uint32_t size);

/* -- bytes ----------------------------------------------------------------------------------------------------------- */

void tally_sha256(const uint8_t *data, uint32_t size, uint8_t digest[32]);
/* hexadecimal digits and a zero: 2 * size + 1 characters */
void tally_hex(const uint8_t *data, uint32_t size, char *text);
/* a path as it comes from a host: levels u8, then u32 each, big endian. Returns bytes taken, 0 for no such path */
uint32_t tally_read_path(const uint8_t *data, uint32_t size, uint32_t path[TALLY_MAX_LEVELS], uint32_t *levels);
uint32_t tally_u32(const uint8_t *data);

/* -- what an app says about itself: install parameters (wire-protocol E.4) --------------------------------------------- */

#define TALLY_LEVEL(N) (uint8_t) ((N) >> 24), (uint8_t) ((N) >> 16), (uint8_t) ((N) >> 8), (uint8_t) (N)
/* prefixes of what the app may derive: levels below them are permitted too */
#define TALLY_PATH1(A) 1, TALLY_LEVEL(A)
#define TALLY_PATH2(A, B) 2, TALLY_LEVEL(A), TALLY_LEVEL(B)
#define TALLY_PATH3(A, B, C) 3, TALLY_LEVEL(A), TALLY_LEVEL(B), TALLY_LEVEL(C)

#define TALLY_PLACE(SECTION) __attribute__((section(SECTION), used))
#define TALLY_TEXT_FIELD(NAME, TEXT) uint8_t NAME##_tag, NAME##_size; char NAME[sizeof(TEXT) - 1]
#define TALLY_TEXT(TAG, TEXT) TAG, sizeof(TEXT) - 1, TEXT

/* an app without keys: TALLY_APP("Hello", "1.0.0") */
#define TALLY_APP(NAME, VERSION)                                                                                       \
    TALLY_PLACE(".install_parameters")                                                                                 \
    static const struct __attribute__((packed)) {                                                                      \
        TALLY_TEXT_FIELD(name, NAME);                                                                                  \
        TALLY_TEXT_FIELD(version, VERSION);                                                                            \
    } tally_parameters = {TALLY_TEXT(1, NAME), TALLY_TEXT(2, VERSION)}

/* an app with keys: TALLY_APP_WITH_KEYS("Signer", "1.0.0", TALLY_SECP256K1, TALLY_PATH1(44 | TALLY_HARDENED)) */
#define TALLY_APP_WITH_KEYS(NAME, VERSION, ...)                                                                        \
    TALLY_PLACE(".install_parameters")                                                                                 \
    static const struct __attribute__((packed)) {                                                                      \
        TALLY_TEXT_FIELD(name, NAME);                                                                                  \
        TALLY_TEXT_FIELD(version, VERSION);                                                                            \
        uint8_t keys_tag, keys_size, keys[sizeof((uint8_t[]){__VA_ARGS__})];                                           \
    } tally_parameters = {TALLY_TEXT(1, NAME), TALLY_TEXT(2, VERSION), 4, sizeof((uint8_t[]){__VA_ARGS__}), {__VA_ARGS__}}

/* the app: begins here, and ends when it returns */
void app_main(void);

#endif
