/*
 * lib/account/listed.c - is somebody in a list of mailboxes and @domains? No I/O.
 */
#include "lib/account/listed.h"

bool
listed(struct slice list, struct slice user)
{
    struct slice domain = slice_sub(user, slice_rindex(user, '@'), user.len), word;

    if (user.len == 0)
        return false;
    while ((word = property_next_word(&list)).len > 0)
        if (slice_eq(word, user) || slice_eq(word, domain))
            return true;
    return false;
}
