/* Hello: an idle screen, three commands, and a counter in flash.
 *
 * E0 01  version: 01 00 00
 * E0 02  count one up, keep it in flash, answer it (32 bits, little endian)
 * E0 03  echo the command's bytes
 * E0 0F  harm, P1 says which: 0 read what is not mapped, 1 write flash, 2 run RAM, 3 loop for ever, 4 a wild pointer,
 *        5 a system call that there is not
 */
#include "tally.h"

/* an Idle request (11): a menu (01), its title, one entry with its label and no value, no icon, the first entry first;
 * texts and lists begin with 16 bits of length */
static const u8 IDLE[] = {0x11, 1,  0, 5, 'H', 'e', 'l', 'l', 'o', 0, 1,
                           0,    4,  'Q', 'u', 'i', 't', 0, 0, 0, 0,  0, 0};
static const u8 VERSION[] = {1, 0, 0, 0x90, 0x00};
static const u8 UNKNOWN[] = {0x6d, 0x00};

__attribute__((section(".keep"))) volatile const u32 counter = 0;

__attribute__((section(".install_parameters"), used)) static const u8 PARAMETERS[] = {
    0x01, 5, 'H', 'e', 'l', 'l', 'o', 0x02, 5, '1', '.', '0', '.', '0', 0x04, 6, 0x01, 1, 0x80, 0, 0, 0x2c};
__attribute__((section("ledger.target_id"), used)) static const char TARGET[] = "0x33000004";
__attribute__((section("ledger.api_level"), used)) static const char LEVEL[] = "26";

static u8 packet[280];

static void harm(u8 which)
{
    u32 arguments[4] = {0x10, 0x12345678, 16, 0};
    switch (which) {
        case 0:
            (void) *(volatile u32 *) 0x30000000;
            break;
        case 1:
            *(volatile u32 *) &counter = 1;
            break;
        case 2:
            packet[0] = 0x70;
            packet[1] = 0x47; /* bx lr */
            ((void (*)(void)) ((u32) packet | 1))();
            break;
        case 3:
            for (;;) {
                __asm__ volatile("");
            }
        case 4:
            tally_call(CALL_SEND, arguments, 0);
            break;
        default:
            tally_call(0x04123456, arguments, 0);
            break;
    }
}

static void answer(u32 size)
{
    u32 next;
    u8 *apdu = packet + 1;
    if (size < 5 || apdu[0] != 0xe0) {
        tally_send(packet[0], UNKNOWN, sizeof UNKNOWN);
        return;
    }
    switch (apdu[1]) {
        case 0x01:
            tally_send(packet[0], VERSION, sizeof VERSION);
            break;
        case 0x02:
            next = counter + 1;
            tally_keep((const void *) &counter, &next, sizeof next);
            next = counter;
            for (u32 i = 0; i < 4; i++) {
                apdu[i] = (u8) (next >> (8 * i));
            }
            apdu[4] = 0x90;
            apdu[5] = 0x00;
            tally_send(packet[0], apdu, 6);
            break;
        case 0x03:
            apdu[size - 1] = 0x90;
            apdu[size] = 0x00;
            tally_send(packet[0], apdu, size + 1);
            break;
        case 0x0f:
            harm(apdu[2]);
            tally_send(packet[0], VERSION + 3, 2);
            break;
        default:
            tally_send(packet[0], UNKNOWN, sizeof UNKNOWN);
    }
}

__attribute__((section(".boot"), used)) int main(void)
{
    u8 outcome[8];
    tally_request(IDLE, sizeof IDLE, outcome, sizeof outcome);
    for (;;) {
        answer(tally_receive(packet, sizeof packet - 2));
    }
}
