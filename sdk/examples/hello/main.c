/* Hello: an idle screen, a screen that somebody answers, and a counter in flash.
 *
 * E0 01  version: 01 00 00
 * E0 02  count one up, keep it in flash, answer it (32 bits, little endian)
 * E0 03  echo the command's bytes
 * E0 04  greet: the data (1 to 32 printable characters) is shown for approval; 6985 when it is not approved
 * E0 0F  harm, P1 says which: 0 read what is not mapped, 1 write flash, 2 run RAM, 3 loop for ever, 4 a wild pointer,
 *        5 a system call that there is not
 */
#include "tally.h"

enum { OK = 0x9000, WRONG_LENGTH = 0x6700, REFUSED = 0x6985, WRONG_DATA = 0x6a80, UNKNOWN = 0x6d00 };

TALLY_APP_WITH_KEYS("Hello", "1.0.0", TALLY_SECP256K1, TALLY_PATH1(44 | TALLY_HARDENED));

TALLY_KEEP const volatile uint32_t counter = 0;

static uint8_t room[260];

static __attribute__((noinline)) void harm(uint8_t which)
{
    uint32_t arguments[4] = {0x10, 0x12345678, 16, 0};
    switch (which) {
        case 0:
            (void) *(volatile uint32_t *) 0x30000000;
            break;
        case 1:
            *(volatile uint32_t *) &counter = 1;
            break;
        case 2:
            room[0] = 0x70;
            room[1] = 0x47; /* bx lr */
            ((void (*)(void)) ((uint32_t) room | 1))();
            break;
        case 3:
            for (;;) {
                __asm__ volatile("");
            }
        case 4:
            tally_call(CALL_OS_IO_TX_CMD, arguments, NULL);
            break;
        default:
            tally_call(0x04123456, arguments, NULL);
            break;
    }
}

static __attribute__((noinline)) void count(void)
{
    uint32_t next = counter + 1;
    tally_keep(&counter, &next, sizeof next);
    next = counter;
    tally_answer((const uint8_t *) &next, sizeof next, OK);
}

static void echo(const struct tally_apdu *apdu)
{
    const uint8_t head[] = {apdu->cla, apdu->ins, apdu->p1, apdu->p2, (uint8_t) apdu->size};
    uint32_t size = 0;
    for (; size < sizeof head; size++) {
        room[size] = head[size];
    }
    for (uint32_t i = 0; i < apdu->size && size < 255; i++) {
        room[size++] = apdu->data[i];
    }
    tally_answer(room, size, OK);
}

static void greet(const struct tally_apdu *apdu)
{
    char name[33];
    if (apdu->size < 1 || apdu->size > 32) {
        tally_answer(NULL, 0, WRONG_LENGTH);
        return;
    }
    for (uint32_t i = 0; i < apdu->size; i++) {
        if (apdu->data[i] < ' ' || apdu->data[i] > '~') {
            tally_answer(NULL, 0, WRONG_DATA);
            return;
        }
        name[i] = (char) apdu->data[i];
    }
    name[apdu->size] = 0;
    struct tally_item item = {"Greet", name};
    tally_answer(NULL, 0, tally_review(TALLY_REVIEW_OTHER, &item, 1) ? OK : REFUSED);
}

static void serve(const struct tally_apdu *apdu)
{
    static const uint8_t VERSION[] = {1, 0, 0};
    switch (apdu->cla == 0xe0 ? apdu->ins : 0xff) {
        case 0x01:
            tally_answer(VERSION, sizeof VERSION, OK);
            break;
        case 0x02:
            count();
            break;
        case 0x03:
            echo(apdu);
            break;
        case 0x04:
            greet(apdu);
            break;
        case 0x0f:
            harm(apdu->p1);
            tally_answer(NULL, 0, OK);
            break;
        default:
            tally_answer(NULL, 0, UNKNOWN);
    }
}

void app_main(void)
{
    tally_idle("Hello");
    for (;;) {
        struct tally_apdu apdu = tally_receive();
        serve(&apdu);
    }
}
