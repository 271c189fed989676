/* Commands and their answers: a packet is a kind and an APDU. */
#include "tally.h"

static uint8_t packet[1 + TALLY_MAX_APDU];
static uint8_t answer[255 + 2];
static uint8_t kind;

struct tally_apdu tally_receive(void)
{
    for (;;) {
        uint32_t arguments[] = {(uint32_t) packet, sizeof packet, 0}, thrown;
        uint32_t size = tally_call(CALL_OS_IO_RX_EVT, arguments, &thrown);
        kind = packet[0];
        if (thrown == 0 && size >= 6 && size == 6u + packet[5]) {
            return (struct tally_apdu) {packet[1], packet[2], packet[3], packet[4], packet[5], packet + 6};
        }
        tally_answer(NULL, 0, 0x6700);
    }
}

void tally_answer(const uint8_t *data, uint32_t size, uint16_t status)
{
    uint32_t count = size > 255 ? 255 : size;
    for (uint32_t i = 0; i < count; i++) {
        answer[i] = data[i];
    }
    answer[count] = (uint8_t) (status >> 8);
    answer[count + 1] = (uint8_t) status;
    uint32_t arguments[] = {kind, (uint32_t) answer, count + 2, 0};
    tally_call(CALL_OS_IO_TX_CMD, arguments, NULL);
}

uint32_t tally_u32(const uint8_t *data)
{
    return (uint32_t) data[0] << 24 | (uint32_t) data[1] << 16 | (uint32_t) data[2] << 8 | data[3];
}

uint32_t tally_read_path(const uint8_t *data, uint32_t size, uint32_t path[TALLY_MAX_LEVELS], uint32_t *levels)
{
    if (size < 1 || data[0] < 1 || data[0] > TALLY_MAX_LEVELS || size < 1 + 4u * data[0]) {
        return 0;
    }
    *levels = data[0];
    for (uint32_t i = 0; i < *levels; i++) {
        path[i] = tally_u32(data + 1 + 4 * i);
    }
    return 1 + 4 * *levels;
}
