/*
 * lib/auth/access_list.c - from which addresses a user may use a service. Input: an administrator's
 * text. No I/O.
 */
#include "lib/auth/access_list.h"

static bool
is_separator(char c)
{
    return c == ' ' || c == '\t' || c == ';' || c == ',';
}

/* Empty: there are no more. */
static struct slice
next_word(struct slice *rest)
{
    size_t from = 0, to;
    struct slice word;

    while (from < rest->len && is_separator(rest->ptr[from]))
        from++;
    to = from;
    while (to < rest->len && !is_separator(rest->ptr[to]))
        to++;
    word = slice_sub(*rest, from, to);
    *rest = slice_sub(*rest, to, rest->len);
    return word;
}

const char *
access_list_normalize(struct slice given, struct strbuf *stored)
{
    struct slice rest = given, word = next_word(&rest);
    bool none = slice_eq(word, SLICE("none"));
    size_t count = 0;
    struct cidr net;

    if (!none && !slice_eq(word, SLICE("allow")) && !slice_eq(word, SLICE("deny")))
        return "none, allow or deny, and behind allow and deny IP addresses and networks";
    (void)strbuf_append(stored, word); /* overflow is tested at the end */
    while ((word = next_word(&rest)).len > 0) {
        if (cidr_parse(word, &net) < 0)
            return "IP addresses and networks such as 192.0.2.7, 192.0.2.0/24 and 2001:db8::/32, "
                   "without bits behind the prefix";
        (void)strbuf_char(stored, ' ');
        (void)strbuf_append(stored, word);
        count++;
    }
    if (count > ACCESS_LIST_NETS_MAX || stored->overflow || stored->len > ACCESS_LIST_MAX)
        return "at most 100 addresses and networks";
    if (none != (count == 0))
        return none ? "nothing behind none" : "IP addresses or networks behind allow and deny";
    return NULL;
}

bool
access_list_takes(struct slice list, const struct ip *client)
{
    struct slice rest = list, word = next_word(&rest);
    bool allow = slice_eq(word, SLICE("allow")), listed = false;
    struct cidr net;

    if (word.len == 0 || slice_eq(word, SLICE("none")))
        return true;
    if (!allow && !slice_eq(word, SLICE("deny")))
        return false;
    while (!listed && (word = next_word(&rest)).len > 0)
        listed = cidr_parse(word, &net) == 0 && cidr_has(&net, client);
    return listed == allow;
}
