/*
 * lib/account/schema.h - the kinds of accounts and the typed table of their properties.
 *
 * From the table (schema.def) come the checks of accountd, the columns and JSON types of the
 * command line, and the text form of `export`.
 */
#ifndef POSTHORN_LIB_ACCOUNT_SCHEMA_H
#define POSTHORN_LIB_ACCOUNT_SCHEMA_H

#include <stdint.h>

#include "lib/base/strbuf.h"

enum account_kind {
    ACCOUNT_DOMAIN,
    ACCOUNT_DOMAIN_ALIAS,
    ACCOUNT_USER,
    ACCOUNT_ALIAS,
    ACCOUNT_GROUP,
    ACCOUNT_MEMBER,
    ACCOUNT_ADMIN,
    ACCOUNT_PUBLIC,
    ACCOUNT_SHARE,
    ACCOUNT_WORD, /* of the dictionary of weak passwords */
    ACCOUNT_CONTACT,
    ACCOUNT_AUTH_CODE,
    ACCOUNT_UNIT, /* of an organisation */
    ACCOUNT_KIND_COUNT
};

enum property_type {
    PROPERTY_TEXT, /* one line of UTF-8, at most `max` bytes */
    PROPERTY_BOOL, /* yes or no */
    PROPERTY_INT,
    PROPERTY_SIZE, /* bytes; 20M is taken, digits are stored */
    PROPERTY_DATE, /* YYYY-MM-DD */
    PROPERTY_TIME, /* RFC 3339, UTC */
    PROPERTY_ENUM, /* one of `choices`, separated by | */
    PROPERTY_ADDRESS,
    PROPERTY_ADDRESSES, /* at most `max`; stored canonical, separated by one space */
    PROPERTY_WORDS,     /* at most `max`; separated like addresses */
    PROPERTY_DIRECTORY, /* ID of a storage directory */
    PROPERTY_METHOD,    /* lib/auth/external.h */
    PROPERTY_SYNC,      /* lib/sync/source.h; `choices` says which part of it */
    PROPERTY_PLACE,     /* https://HOST/PATH or file:NAME (lib/auth/oauth_place.h) */
    PROPERTY_ACCESS,    /* lib/auth/access_list.h */
    PROPERTY_RECORD     /* {SCHEME}data of a password */
};

enum property_flag {
    PROPERTY_GIVEN = 1,
    PROPERTY_WIDE = 2,
    PROPERTY_SECRET = 4,
    PROPERTY_ABOVE = 8, /* not for who administers only the domain that it is about */
    PROPERTY_SAID = 16  /* an empty value is refused, for the default gives the most rights */
};

enum account_property {
#define PROPERTY(id, kind, name, type, dflt, min, max, choices, flags, help) id,
#include "lib/account/schema.def"
#undef PROPERTY
    ACCOUNT_PROPERTY_COUNT
};

struct property {
    enum account_kind kind;
    const char *name;
    size_t name_len;
    enum property_type type;
    const char *dflt;  /* as stored */
    uint64_t min, max; /* max 0: no limit */
    const char *choices;
    unsigned flags;
    const char *help;
};

extern const struct property account_properties[ACCOUNT_PROPERTY_COUNT];

const char *account_kind_name(enum account_kind kind); /* "domain-alias" */
int account_kind_find(struct slice name);              /* -1: none */
/* The properties of a kind are [first, first + count). */
size_t account_properties_of(enum account_kind kind, size_t *first);
/* enum account_property, or -1; then the nearest name is in *near (NULL: none). */
int account_property_find(enum account_kind kind, struct slice name, const char **near);

/* A value as given to the form that is stored. 0, or -1 with what was expected in `error`. */
int property_normalize(enum account_property id, struct slice given, struct strbuf *stored,
                       struct strbuf *error);
/* Takes the next word of a list (white space, ',' or ';' between) off *rest; empty: no more. */
struct slice property_next_word(struct slice *rest);

#endif
