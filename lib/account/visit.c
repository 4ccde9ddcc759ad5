/*
 * lib/account/visit.c - the last visit of a user. No I/O.
 */
#include "lib/account/visit.h"

#include <string.h>

#include "lib/base/parse.h"

static int
copy_word(char *to, size_t max, struct slice word)
{
    if (word.len == 0 || word.len > max || slice_index(word, ' ') < word.len ||
        slice_index(word, '\0') < word.len)
        return -1;
    memcpy(to, word.ptr, word.len);
    to[word.len] = '\0';
    return 0;
}

int
visit_set(struct visit *visit, int64_t time_ms, struct slice service, struct slice address)
{
    struct visit set = {.time_ms = time_ms};

    if (copy_word(set.service, VISIT_SERVICE_MAX, service) < 0 ||
        copy_word(set.address, VISIT_ADDRESS_MAX, address) < 0)
        return -1;
    *visit = set;
    return 0;
}

void
visit_print(const struct visit *visit, struct strbuf *out)
{
    (void)strbuf_u64(out, (uint64_t)visit->time_ms); /* the caller sees an overflow */
    (void)strbuf_char(out, ' ');
    (void)strbuf_str(out, visit->service);
    (void)strbuf_char(out, ' ');
    (void)strbuf_str(out, visit->address);
}

int
visit_parse(struct slice text, struct visit *visit)
{
    uint64_t time_ms;

    if (parse_u64(slice_split(&text, ' '), INT64_MAX, &time_ms) < 0)
        return -1;
    return visit_set(visit, (int64_t)time_ms, slice_split(&text, ' '), text);
}
