/*
 * lib/account/public_list.h - what the three lists of a public folder give those who are in them.
 */
#ifndef POSTHORN_LIB_ACCOUNT_PUBLIC_LIST_H
#define POSTHORN_LIB_ACCOUNT_PUBLIC_LIST_H

#include "lib/account/schema.h"
#include "lib/mail/imap_rights.h"

#define PUBLIC_LISTS 3
struct public_list {
    enum account_property property;
    uint32_t rights; /* enum imap_right */
};

static const struct public_list public_lists[PUBLIC_LISTS] = {
    {PUBLIC_READ, RIGHTS_READ_ONLY},
    {PUBLIC_WRITE, RIGHTS_READ_ONLY | RIGHT_SEEN | RIGHT_WRITE | RIGHT_INSERT | RIGHT_POST},
    {PUBLIC_DELETE, RIGHTS_ALL & ~(uint32_t)RIGHT_ADMIN},
};

#endif
