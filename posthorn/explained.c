/*
 * posthorn/explained.c - is what the command line or a log says an envelope at all?
 */
#include "posthorn/explained.h"

#include "lib/base/cidr.h"
#include "lib/mail/address.h"

const char *
explained_check(const struct explained *mail, bool to_needed)
{
    struct address parsed;
    struct cidr ip;

    if (mail->from.len > 0 && address_parse(mail->from, ADDRESS_UTF8, &parsed) != ADDRESS_OK)
        return "--from: expected an address, or '<>'";
    if ((to_needed || mail->to.len > 0) &&
        address_parse(mail->to, ADDRESS_UTF8 | ADDRESS_POSTMASTER, &parsed) != ADDRESS_OK)
        return "--to: expected an address";
    if (mail->user.len > 0 && address_parse(mail->user, ADDRESS_UTF8, &parsed) != ADDRESS_OK)
        return "--user: expected the address of a user";
    if (cidr_parse(mail->client_ip, &ip) < 0 ||
        slice_index(mail->client_ip, '/') < mail->client_ip.len)
        return "--client: expected an IP address";
    return NULL;
}
