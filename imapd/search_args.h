/*
 * imapd/search_args.h - a SEARCH program as a tree (RFC 3501 section 6.4.4).
 */
#ifndef POSTHORN_IMAPD_SEARCH_ARGS_H
#define POSTHORN_IMAPD_SEARCH_ARGS_H

#include "imapd/seqset.h"

#define SEARCH_DEPTH_MAX 64
#define SEARCH_STRING_MAX 8192 /* bytes of one string that is searched for */
#define SEARCH_FILTERS_MAX 100 /* filters that stand for their criteria in one program */
#define SEARCH_FILTER_DEPTH 8  /* filters inside filters; RFC 5466 section 3.1 asks for 3 */

/* In the order of what they cost to evaluate. */
enum search_op {
    SEARCH_ALL,
    SEARCH_FLAG, /* all of `flags` set */
    SEARCH_KEYWORD,
    SEARCH_SEQ,
    SEARCH_UID,
    SEARCH_MODSEQ, /* RFC 7162 section 3.1.5 */
    SEARCH_LARGER,
    SEARCH_SMALLER,
    SEARCH_BEFORE, /* internal date */
    SEARCH_ON,
    SEARCH_SINCE,
    SEARCH_OLDER, /* `number` seconds before now, or more */
    SEARCH_YOUNGER,
    SEARCH_NOT,
    SEARCH_OR,
    SEARCH_AND,
    SEARCH_EMAILID,      /* RFC 8474 */
    SEARCH_THREADID,     /* RFC 8474 */
    SEARCH_SAVED_BEFORE, /* RFC 8514 */
    SEARCH_SAVED_ON,
    SEARCH_SAVED_SINCE,
    SEARCH_SENT_BEFORE, /* Date field */
    SEARCH_SENT_ON,
    SEARCH_SENT_SINCE,
    SEARCH_HEADER,
    SEARCH_BODY,
    SEARCH_TEXT
};

enum search_side { SEARCH_SET_ITSELF, SEARCH_SET_AFTER, SEARCH_SET_BEFORE };

struct search_key {
    enum search_op op;
    unsigned cost;               /* the highest op in this key */
    uint32_t flags;              /* FLAG */
    struct slice name;           /* HEADER: of the field; KEYWORD; EMAILID */
    struct slice text;           /* HEADER, BODY, TEXT: UTF-8, case folded */
    int64_t days;                /* dates: since 1970-01-01 */
    uint64_t size;               /* LARGER, SMALLER */
    uint64_t modseq;             /* MODSEQ */
    uint32_t number;             /* OLDER, YOUNGER: seconds */
    int64_t target_ms;           /* OLDER, YOUNGER: to be computed before use */
    struct seqset set;           /* SEQ, UID */
    enum search_side side;       /* UID: UIDAFTER and UIDBEFORE mean what lies beside the set */
    struct seqset now;           /* what it means: to be resolved before use */
    int keyword_bit;             /* KEYWORD: to be looked up before use */
    struct search_key *children; /* AND, OR, NOT */
    struct search_key *next;     /* sibling */
    struct search_key *pairs;    /* AND that came of FUZZY: imapd/search_fuzzy */
    struct fulltext *index;      /* BODY, TEXT: imapd/fulltext; NULL: no index is used */
    bool has_candidates;
    uint32_t *candidates; /* UIDs, ascending */
    size_t candidate_count;
};

/* Where FILTER keys get their criteria from (RFC 5466). */
struct filter_source {
    /* Copies them into the arena. False: there is no such filter. */
    bool (*find)(void *arg, struct slice name, struct arena *arena, struct slice *criteria);
    void *arg;
};

struct search_args {
    struct search_key *root; /* an AND */
    bool bad_charset;        /* the parse stopped there */
    bool filter_charset;     /* it stopped there: a FILTER key means UTF-8, the command another */
    struct slice undefined_filter; /* it stopped there: that filter is not known, or never ends */
    bool has_fuzzy;                /* there is a FUZZY key (RFC 6203) */
    bool has_modseq;               /* a key asks for MODSEQs (RFC 7162 section 3.1.5) */
};

/* Behind "SEARCH" and its RETURN. */
bool search_args_parse(struct parser *p, struct search_args *out);
/* The value of a filter: criteria in UTF-8. */
bool search_args_parse_filter(struct parser *p, struct search_args *out);
bool search_args_parse_filter_name(struct parser *p, struct slice *out);
/* search-criteria of RFC 5256: the charset comes first, without a word before it. */
bool search_args_parse_criteria(struct parser *p, struct search_args *out);

#endif
