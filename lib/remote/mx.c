/*
 * lib/remote/mx.c - puts the mail exchangers of one domain in the order to try them.
 *
 * Input:  the resolver's MX answer. Untrusted: whoever owns the domain writes it.
 * Output: at most MX_HOSTS_MAX hosts by preference, shuffled within one preference
 *         (RFC 5321 section 5.1). Opens no socket and no file.
 */
#include "lib/remote/mx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/random.h"
#include "lib/mail/address.h"

struct candidate {
    uint16_t preference;
    uint32_t chance; /* breaks ties */
    struct slice name;
};

__attribute__((format(printf, 4, 5))) static enum mx_status
conclude(enum mx_status status, struct smtp_verdict *why, const char *dsn, const char *format, ...)
{
    va_list args;

    why->code = status == MX_NEVER ? 550 : 0;
    (void)snprintf(why->dsn, sizeof(why->dsn), "%s", dsn);
    va_start(args, format);
    (void)vsnprintf(why->text, sizeof(why->text), format, args);
    va_end(args);
    return status;
}

static int
by_preference(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->preference != y->preference)
        return x->preference < y->preference ? -1 : 1;
    return (x->chance > y->chance) - (x->chance < y->chance);
}

static bool
is_root(struct slice name)
{
    return name.len == 0 || slice_eq(name, SLICE("."));
}

/* RFC 7505 section 3: the root as only exchanger. */
static bool
is_null_mx(const struct dnsd_answer *answer)
{
    return answer->count == 1 && is_root(answer->records[0].data);
}

/* RFC 5321 section 5.1: ourselves, all of our preference and all behind it are of no use: mail
 * that we are to relay goes towards the better ones. */
static size_t
count_before_us(const struct candidate *sorted, size_t count, struct slice own_name)
{
    for (size_t i = 0; i < count; i++) {
        size_t first = i;

        if (!slice_eq_nocase(sorted[i].name, own_name))
            continue;
        while (first > 0 && sorted[first - 1].preference == sorted[i].preference)
            first--;
        return first;
    }
    return count;
}

static void
fill(struct mx_list *list, const struct candidate *sorted, size_t count)
{
    list->count = count < MX_HOSTS_MAX ? count : MX_HOSTS_MAX;
    for (size_t i = 0; i < list->count; i++) {
        struct mx_host *h = &list->hosts[i];

        h->preference = sorted[i].preference;
        memcpy(h->name, sorted[i].name.ptr, sorted[i].name.len); /* a valid domain: it fits */
        h->name[sorted[i].name.len] = '\0';
    }
}

/* A host name, or nearly one: underscores are common and resolve like any other (RFC 2181 section
 * 11), and mail for such a domain must not bounce. */
static bool
is_host(struct slice name)
{
    char plain[DNSD_NAME_MAX];

    if (name.len > sizeof(plain))
        return false;
    for (size_t i = 0; i < name.len; i++)
        plain[i] = name.ptr[i] == '_' ? 'x' : name.ptr[i];
    return address_is_domain(slice_make(plain, name.len), false);
}

static enum mx_status
from_records(const struct dnsd_answer *answer, struct slice domain, struct slice own_name,
             struct mx_list *list, struct smtp_verdict *why)
{
    struct candidate candidates[DNSD_RECORDS_MAX];
    size_t count = 0, usable;

    for (uint32_t i = 0; i < answer->count; i++) {
        if (!is_host(answer->records[i].data))
            continue;
        candidates[count++] = (struct candidate){.preference = answer->records[i].preference,
                                                 .chance = (uint32_t)random_u64(),
                                                 .name = answer->records[i].data};
    }
    if (count == 0)
        return conclude(MX_NEVER, why, "5.4.4", "no valid host name in the MX records of %.*s",
                        (int)domain.len, domain.ptr);
    qsort(candidates, count, sizeof(candidates[0]), by_preference);
    usable = count_before_us(candidates, count, own_name);
    if (usable == 0)
        return conclude(MX_NEVER, why, "5.4.6", "mail for %.*s loops back to this host",
                        (int)domain.len, domain.ptr);
    fill(list, candidates, usable);
    return MX_FOUND;
}

enum mx_status
mx_from_answer(const struct dnsd_answer *answer, struct slice domain, struct slice own_name,
               struct mx_list *list, struct smtp_verdict *why)
{
    struct dnsd_answer implicit = {.count = 1}; /* the "implicit MX" of RFC 5321 section 5.1 */
    int len = (int)domain.len;

    list->count = 0;
    switch ((enum dns_status)answer->status) {
    case DNS_FOUND:
        if (is_null_mx(answer))
            return conclude(MX_NEVER, why, "5.1.10", "%.*s does not accept mail (null MX)", len,
                            domain.ptr);
        return from_records(answer, domain, own_name, list, why);
    case DNS_NODATA:
        implicit.records[0].data = domain;
        return from_records(&implicit, domain, own_name, list, why);
    case DNS_NXDOMAIN:
        return conclude(MX_NEVER, why, "5.1.2", "the domain %.*s does not exist", len, domain.ptr);
    case DNS_TEMPORARY:
        break;
    }
    return conclude(MX_LATER, why, "4.4.3", "no answer from DNS about %.*s", len, domain.ptr);
}
