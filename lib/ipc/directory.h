/*
 * lib/ipc/directory.h - what ldapd's sessions ask directoryd, which holds the public contacts.
 *
 * Socket run/directory.sock. ldapd's parent connects for each session and says HELLO with its id;
 * everything behind that comes from the session, which reads the network. Whose session it is
 * directoryd hears from authd. It answers with what that user may see, and changes contacts for who
 * has shown the write password. Slices borrow from the payload.
 */
#ifndef POSTHORN_LIB_IPC_DIRECTORY_H
#define POSTHORN_LIB_IPC_DIRECTORY_H

#include "lib/ipc/object.h"
#include "lib/ldap/filter.h"

#define DIRECTORY_SOCKET "directory.sock"
#define DIRECTORY_REQUEST_MAX (256u << 10)
#define DIRECTORY_PAYLOAD_MAX (8u << 20)  /* a page, and one entry of LDAP_FIELDS_BYTES_MAX */
#define DIRECTORY_PAGE_BYTES (256u << 10) /* an answer ends with the entry that passes this */
#define DIRECTORY_ENTRIES_MAX 1000        /* of one answer */
#define DIRECTORY_SESSION_ID_MAX 64
#define DIRECTORY_CLIENT_MAX 64
#define DIRECTORY_PASSWORD_MAX 512
#define DIRECTORY_TEXT_MAX 1024
#define DIRECTORY_USER_MAX 400

enum directory_type {
    DIRECTORY_HELLO = 1, /* the parent: the session's id, the client's address; no answer */
    DIRECTORY_BIND,
    DIRECTORY_BOUND,
    DIRECTORY_SEARCH,
    DIRECTORY_FOUND,
    DIRECTORY_EDIT,
    DIRECTORY_EDITED,
};

int directory_hello_encode(struct strbuf *out, struct slice session_id, struct slice client_ip);
int directory_hello_decode(struct slice payload, struct slice *session_id, struct slice *client_ip);

/* ---- BIND: who the session is from here on ---- */
enum directory_bind_how {
    DIRECTORY_BIND_NOBODY,
    DIRECTORY_BIND_USER, /* whom authd has let in on this session's channel */
    DIRECTORY_BIND_WRITE /* who knows the write password */
};
struct directory_bind {
    uint8_t how;           /* enum directory_bind_how */
    struct slice password; /* WRITE */
};
int directory_bind_encode(struct strbuf *out, const struct directory_bind *bind);
int directory_bind_decode(struct slice payload, struct directory_bind *bind);
struct directory_bound {
    bool ok;
    bool later;        /* not ok, but nobody knows: authd is away */
    struct slice user; /* USER: canonical */
};
int directory_bound_encode(struct strbuf *out, uint32_t id, const struct directory_bound *bound);
int directory_bound_decode(struct slice payload, struct directory_bound *bound);

/* ---- SEARCH: entries in a fixed order, each answer a part ---- */
enum directory_scope {
    DIRECTORY_SCOPE_BASE,
    DIRECTORY_SCOPE_ONE,
    DIRECTORY_SCOPE_SUBTREE,
    DIRECTORY_SCOPE_BELOW /* subordinateSubtree of draft-sermersheim: all but the base */
};
struct directory_search {
    uint8_t level; /* enum ldap_entry_kind: what the base of the search is */
    struct slice book;
    struct slice name; /* of a unit: and those of the units above, as LDAP_FIELD_ABOVE has them */
    uint8_t scope;     /* enum directory_scope */
    uint64_t after;    /* `last` of the part before; 0: from the start */
    uint16_t wanted;   /* entries at most, 1 to DIRECTORY_ENTRIES_MAX */
    bool members;      /* of groups all that may be seen; false: one, if there are any */
};
int directory_search_encode(struct strbuf *out, const struct directory_search *search,
                            const struct ldap_filter *filter);
/* The filter's values borrow from `payload`. */
int directory_search_decode(struct slice payload, struct directory_search *search,
                            struct ldap_filter *filter);

enum directory_result {
    DIRECTORY_OK,
    DIRECTORY_NO_SUCH_BASE, /* it is not there, or not to be seen */
    DIRECTORY_NO_ACCESS,    /* nobody who has not logged in may search */
    DIRECTORY_NOT_READY     /* the contacts are still being read */
};
struct directory_found {
    uint8_t result; /* enum directory_result */
    bool more;      /* another part may have entries: `after` is `last` */
    uint64_t last;
    uint16_t count;
    uint64_t number;      /* for `as_of` of an EDIT */
    struct slice entries; /* for directory_entry_next */
};
int directory_found_encode(struct strbuf *out, uint32_t id, const struct directory_found *found);
int directory_found_decode(struct slice payload, struct directory_found *found);
/* One entry onto / off the list: 1, 0 at the end, -1 damaged. */
void directory_entry_add(struct strbuf *entries, const struct ldap_entry *entry);
int directory_entry_next(struct slice *entries, struct ldap_entry *entry);

/* ---- EDIT: answered as accountd answers (lib/ipc/contacts.h) ---- */
struct directory_edit {
    struct slice verb, book, name;
    uint64_t as_of; /* as contact_edit has it */
    const struct object_field *fields;
    uint32_t field_count;
};
#define DIRECTORY_NO_RIGHT 101 /* a result: no write password was shown */
#define DIRECTORY_AWAY 102     /* accountd is away */
int directory_edit_encode(struct strbuf *out, const struct directory_edit *edit);
int directory_edit_decode(struct slice payload, struct directory_edit *edit,
                          struct object_field fields[OBJECT_FIELDS_MAX]);
struct directory_edited {
    uint32_t result;
    struct slice text;
};
int directory_edited_encode(struct strbuf *out, uint32_t id, const struct directory_edited *edited);
int directory_edited_decode(struct slice payload, struct directory_edited *edited);

#endif
