/*
 * lib/smtp/smtp_limits.c - parses LIMITS (RFC 9422 sections 3 and 4). The server is untrusted: it
 * can only make us ask for less at a time.
 */
#include "lib/smtp/smtp_limits.h"

#include <stddef.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"

enum { LIMIT_DIGITS = 6 };

/* limit-name = 1*(ALPHA / DIGIT / "-" / "_") */
static bool
is_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
              c == '-' || c == '_'))
            return false;
    }
    return name.len > 0;
}

/* limit-value = 1*(%x21-3A / %x3C-7E) */
static bool
is_value(struct slice value)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] < 0x21 || value.ptr[i] > 0x7e || value.ptr[i] == ';')
            return false;
    return value.len > 0;
}

static void
take_limit(struct slice name, struct slice value, struct smtp_limits *out)
{
    const struct {
        const char *name;
        uint32_t *limit;
    } known[] = {
        {"MAILMAX", &out->mails}, {"RCPTMAX", &out->rcpts}, {"RCPTDOMAINMAX", &out->rcpt_domains}};
    uint64_t number;

    /* %x31-39 0*5DIGIT */
    if (value.len > LIMIT_DIGITS || slice_starts(value, SLICE("0")) ||
        parse_u64(value, UINT32_MAX, &number) < 0)
        return;
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (slice_eq_nocase(name, slice_of(known[i].name)))
            *known[i].limit = (uint32_t)number;
}

int
smtp_limits_parse(struct slice value, struct smtp_limits *out)
{
    *out = (struct smtp_limits){.mails = 0};
    value = slice_trim(value);
    while (value.len > 0) {
        struct slice item = slice_split(&value, ' ');
        size_t equals = slice_index(item, '=');
        struct slice name = slice_sub(item, 0, equals);
        struct slice limit = slice_sub(item, equals + 1, item.len);

        if (!is_name(name) || (equals < item.len && !is_value(limit))) {
            *out = (struct smtp_limits){.mails = 0};
            return -1;
        }
        take_limit(name, limit, out);
    }
    return 0;
}
