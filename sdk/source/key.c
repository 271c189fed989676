/* Keys: the OS derives and signs, if the path and the curve are the app's. */
#include "tally.h"

static uint8_t request[2 + 1 + 4 * TALLY_MAX_LEVELS + 32];

static uint32_t begin(uint8_t call, uint8_t curve, const uint32_t *path, uint32_t levels)
{
    request[0] = call;
    request[1] = curve;
    request[2] = (uint8_t) levels;
    for (uint32_t i = 0; i < levels; i++) {
        for (uint32_t byte = 0; byte < 4; byte++) {
            request[3 + 4 * i + byte] = (uint8_t) (path[i] >> (24 - 8 * byte));
        }
    }
    return 3 + 4 * levels;
}

/* carry the request out; copies the value, of at most `room` bytes, and returns its length */
static uint32_t carry_out(uint32_t size, uint8_t *value, uint32_t room, uint8_t *status)
{
    uint8_t outcome[80];
    uint32_t count = tally_request(request, size, outcome, sizeof outcome);
    *status = count == 0 ? TALLY_STATUS_BAD_ARGUMENT : outcome[0];
    if (*status != TALLY_STATUS_OK || count - 1 > room) {
        return 0;
    }
    for (uint32_t i = 1; i < count; i++) {
        value[i - 1] = outcome[i];
    }
    return count - 1;
}

uint8_t tally_public_key(uint8_t curve, const uint32_t *path, uint32_t levels, uint8_t *key)
{
    uint8_t status = TALLY_STATUS_BAD_ARGUMENT;
    if (levels <= TALLY_MAX_LEVELS) {
        carry_out(begin(TALLY_PUBLIC_KEY, curve, path, levels), key, 65, &status);
    }
    return status;
}

uint32_t tally_sign(
    uint8_t curve, const uint32_t *path, uint32_t levels, const uint8_t *digest, uint8_t *signature, uint8_t *status)
{
    *status = TALLY_STATUS_BAD_ARGUMENT;
    if (levels > TALLY_MAX_LEVELS) {
        return 0;
    }
    uint32_t size = begin(TALLY_SIGN, curve, path, levels);
    for (uint32_t i = 0; i < 32; i++) {
        request[size + i] = digest[i];
    }
    return carry_out(size + 32, signature, 72, status);
}

uint8_t tally_random(uint8_t *data, uint32_t size)
{
    uint8_t outcome[1 + 64], question[] = {TALLY_RANDOM, 0, 0};
    for (uint32_t done = 0; done < size;) {
        uint32_t step = size - done < 64 ? size - done : 64;
        question[2] = (uint8_t) step;
        if (tally_request(question, sizeof question, outcome, sizeof outcome) != 1 + step) {
            return outcome[0];
        }
        for (uint32_t i = 0; i < step; i++) {
            data[done++] = outcome[1 + i];
        }
    }
    return TALLY_STATUS_OK;
}
