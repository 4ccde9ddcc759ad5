/*
 * lib/sync/source.h - a directory elsewhere from which users and groups come (DIR-43, DIR-62):
 * where it is, which entries, and which attribute is what.
 *
 *     ldap://HOST[:PORT]/BASE     StartTLS first       ldaps://HOST[:PORT]/BASE
 *
 * The map is a list NAME=ATTRIBUTE[,ATTRIBUTE...] separated by ';'; of a name with one value the
 * first attribute that is there counts, of one with several all do. What it does not name is as the
 * layout has it; a NAME= with nothing behind it is not asked for. Names:
 *     address id disabled alias member_of, and properties of mailboxes
 *     group.address group.id group.full_name group.description group.member group.member_of
 */
#ifndef POSTHORN_LIB_SYNC_SOURCE_H
#define POSTHORN_LIB_SYNC_SOURCE_H

#include "lib/auth/external.h"

#define SYNC_MAP_MAX 2000 /* bytes of a map as text */
#define SYNC_ROWS_MAX 40

struct sync_row {
    bool of_group;
    struct slice name;
    struct slice attributes; /* separated by ',' */
};

struct sync_given {
    struct slice url;
    struct slice layout;                    /* "ldap" or "ad" */
    struct slice user_filter, group_filter; /* "": as the layout has it */
    struct slice map;
};

struct sync_source {
    struct external_method server; /* host, port, tls_at_once, and as `name` the base */
    struct slice user_filter, group_filter;
    struct sync_row rows[SYNC_ROWS_MAX];
    size_t count;
};

/* All is borrowed from `given`. NULL, or what is wrong in words: what was expected. */
const char *sync_source_read(const struct sync_given *given, struct sync_source *out);

/* The parts alone. */
const char *sync_url_wrong(struct slice url);
const char *sync_filter_wrong(struct slice filter);
const char *sync_map_wrong(struct slice map);

#define SYNC_ATTRIBUTES_MAX 32
/* The attributes to ask for; their number. A source that was read has no more. */
size_t sync_source_attributes(const struct sync_source *source, bool of_group,
                              struct slice names[SYNC_ATTRIBUTES_MAX]);

#endif
