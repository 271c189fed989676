/* What the compiler calls by itself: copying, clearing, dividing (run-time ABI for the ARM architecture). */
#include <stddef.h>
#include <stdint.h>

/* a loop that copies must not become a call of what it is */
#define PLAIN __attribute__((no_builtin, used))

PLAIN void *memcpy(void *restrict target, const void *restrict source, size_t size)
{
    uint8_t *to = target;
    const uint8_t *from = source;
    while (size-- > 0) {
        *to++ = *from++;
    }
    return target;
}

PLAIN void *memmove(void *target, const void *source, size_t size)
{
    uint8_t *to = target;
    const uint8_t *from = source;
    if (to <= from) {
        return memcpy(target, source, size);
    }
    while (size-- > 0) {
        to[size] = from[size];
    }
    return target;
}

PLAIN void *memset(void *target, int value, size_t size)
{
    uint8_t *to = target;
    while (size-- > 0) {
        *to++ = (uint8_t) value;
    }
    return target;
}

PLAIN int memcmp(const void *one, const void *other, size_t size)
{
    const uint8_t *a = one, *b = other;
    for (; size > 0; size--, a++, b++) {
        if (*a != *b) {
            return *a - *b;
        }
    }
    return 0;
}

PLAIN void __aeabi_memcpy(void *target, const void *source, size_t size) { memcpy(target, source, size); }
PLAIN void __aeabi_memcpy4(void *target, const void *source, size_t size) { memcpy(target, source, size); }
PLAIN void __aeabi_memcpy8(void *target, const void *source, size_t size) { memcpy(target, source, size); }
PLAIN void __aeabi_memmove(void *target, const void *source, size_t size) { memmove(target, source, size); }
PLAIN void __aeabi_memmove4(void *target, const void *source, size_t size) { memmove(target, source, size); }
PLAIN void __aeabi_memset(void *target, size_t size, int value) { memset(target, value, size); }
PLAIN void __aeabi_memclr(void *target, size_t size) { memset(target, 0, size); }
PLAIN void __aeabi_memclr4(void *target, size_t size) { memset(target, 0, size); }
PLAIN void __aeabi_memclr8(void *target, size_t size) { memset(target, 0, size); }

/* quotient in the low word, remainder in the high word, as __aeabi_uidivmod returns them; by zero: zero, and what was divided */
PLAIN uint64_t __aeabi_uidivmod(uint32_t number, uint32_t divisor)
{
    uint32_t quotient = 0, remainder = 0;
    if (divisor == 0) {
        return (uint64_t) number << 32;
    }
    for (int bit = 31; bit >= 0; bit--) {
        uint32_t carry = remainder >> 31;
        remainder = remainder << 1 | (number >> bit & 1);
        if (carry || remainder >= divisor) {
            remainder -= divisor;
            quotient |= 1u << bit;
        }
    }
    return (uint64_t) remainder << 32 | quotient;
}

PLAIN uint32_t __aeabi_uidiv(uint32_t number, uint32_t divisor) { return (uint32_t) __aeabi_uidivmod(number, divisor); }
