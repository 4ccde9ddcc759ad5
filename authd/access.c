/*
 * authd/access.c - a user's lists of addresses that may use a service.
 */
#include "authd/access.h"

#include "lib/auth/access_list.h"
#include "lib/base/mem.h"

bool
access_takes(const struct session *s, const struct account *account)
{
    struct cidr client; /* an address is a network of all its bits */

    if (account->access == NULL || account->access[0] == '\0')
        return true;
    assert_always(cidr_parse(slice_of(s->client_ip), &client) == 0); /* attach has looked at it */
    return access_list_takes(slice_of(account->access), &client.net);
}

void
access_judge(struct session *s)
{
    if (!s->account.known || access_takes(s, &s->account))
        return;
    s->account.known = false;
    s->closed = ACCESS_REFUSED;
}
