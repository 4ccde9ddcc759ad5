/*
 * lib/ldap/filter.h - search filters (RFC 4511 section 4.5.1.7): a tree of bounded size, on the
 * wire between our programs, and what it says of an entry.
 */
#ifndef POSTHORN_LIB_LDAP_FILTER_H
#define POSTHORN_LIB_LDAP_FILTER_H

#include "lib/ipc/frame.h"
#include "lib/ldap/dn.h"
#include "lib/ldap/entry.h"

#define LDAP_FILTER_NODES_MAX 256
#define LDAP_FILTER_PARTS_MAX 512 /* values of all nodes together */
#define LDAP_FILTER_DEPTH_MAX 32
#define LDAP_FILTER_BYTES_MAX 65536 /* of all values, folded */

enum ldap_filter_op {
    LDAP_FILTER_AND, /* without children: true (RFC 4526) */
    LDAP_FILTER_OR,  /* without children: false */
    LDAP_FILTER_NOT,
    LDAP_FILTER_EQUAL,
    LDAP_FILTER_SUBSTRING,
    LDAP_FILTER_GREATER, /* or equal */
    LDAP_FILTER_LESS,    /* or equal */
    LDAP_FILTER_PRESENT,
    LDAP_FILTER_APPROX,
    LDAP_FILTER_EXTENSIBLE,
    LDAP_FILTER_OPS
};

enum ldap_filter_part_kind { LDAP_PART_WHOLE, LDAP_PART_INITIAL, LDAP_PART_ANY, LDAP_PART_FINAL };

struct ldap_filter_part {
    enum ldap_filter_part_kind kind;
    struct slice value; /* as given, borrowed */
    size_t from, to;    /* of `folded` */
};

#define LDAP_ATTR_UNKNOWN (-1) /* makes the node undefined */
#define LDAP_ATTR_ANY (-2)     /* EXTENSIBLE without a type: every attribute */

struct ldap_filter_node {
    enum ldap_filter_op op;
    int attribute;         /* enum ldap_attribute, or one of the above */
    enum ldap_match match; /* EXTENSIBLE with a rule: that; else the attribute's */
    bool has_rule;
    bool
        is_invalid; /* its value is not of the attribute's syntax: undefined. By ldap_filter_fold */
    bool of_dn;     /* EXTENSIBLE: the parts of the entry's name are looked at, too */
    uint16_t width; /* nodes of its subtree, itself included */
    uint16_t children;
    uint16_t first_part, part_count;
};

/* Nodes in preorder. */
struct ldap_filter {
    const struct ldap_dn *base; /* the top of the tree, for `of_dn`; NULL: not known. Borrowed */
    uint16_t count, part_count;
    struct ldap_filter_node nodes[LDAP_FILTER_NODES_MAX];
    struct ldap_filter_part parts[LDAP_FILTER_PARTS_MAX];
    struct strbuf folded;  /* values in the form in which they are compared */
    struct strbuf scratch; /* for a value that is looked at */
};

struct ldap_filter *ldap_filter_new(void);
void ldap_filter_free(struct ldap_filter **filterp);
void ldap_filter_clear(struct ldap_filter *filter); /* `base` stays */

/* Building in preorder: opens a node; -1: there are too many. Values are borrowed until the filter
 * was folded and is of no more use, on the wire as long. ldap_filter_end closes what is open. */
int ldap_filter_open(struct ldap_filter *filter, enum ldap_filter_op op, int attribute);
int ldap_filter_part(struct ldap_filter *filter, enum ldap_filter_part_kind kind,
                     struct slice value);
/* Behind the children of the AND, OR or NOT at `index`. */
void ldap_filter_close(struct ldap_filter *filter, int index, unsigned children);

/* The wire's form, as fields of a frame. Decoding checks the tree's shape. */
void ldap_filter_encode(struct writer *w, const struct ldap_filter *filter);
int ldap_filter_decode(struct reader *r, struct ldap_filter *filter);

/* Brings the values into the form in which they are compared (lib/ldap/value.h, lib/ldap/fold.h).
 * -1: they are too long together. */
int ldap_filter_fold(struct ldap_filter *filter);

enum ldap_truth { LDAP_FALSE, LDAP_TRUE, LDAP_UNDEFINED };
/* What a folded filter says of the entry. */
enum ldap_truth ldap_filter_match(struct ldap_filter *filter, const struct ldap_entry *entry);
/* What node `index`, no AND, OR or NOT, says of one value of its attribute (RFC 3876). */
bool ldap_filter_match_value(struct ldap_filter *filter, int index, struct slice value);

/* A matching rule by name or OID. -1: we have none such. */
int ldap_match_find(struct slice rule, enum ldap_match *match);

#endif
