/*
 * imapd/search_args.c - reads a SEARCH program into a tree.
 *
 * Input:  command text. Untrusted; its length bounds the tree's size, SEARCH_DEPTH_MAX its depth.
 */
#include "imapd/search_args.h"

#include <stdlib.h>

#include "imapd/search_fuzzy.h"
#include "lib/mail/casemap.h"
#include "lib/mail/charset.h"
#include "lib/store/mailbox.h"

struct context {
    struct parser *p;
    struct slice charset; /* name */
    unsigned depth;
    bool has_modseq, has_fuzzy;
    unsigned filters, filter_depth; /* taken so far, and that we are in */
    bool filter_charset;
    struct slice undefined_filter;
};

static bool parse_key(struct context *c, struct search_key **out);

static struct search_key *
new_key(struct context *c, enum search_op op)
{
    struct search_key *key = arena_alloc(c->p->arena, sizeof(*key));

    key->op = op;
    key->cost = op;
    return key;
}

/* ---- arguments ---- */

/* A string in the command's charset, ready for lib/mail/text_search. */
static bool
parse_text(struct context *c, struct slice *out)
{
    struct strbuf utf8 = strbuf_new((size_t)SEARCH_STRING_MAX * CHARSET_UTF8_PER_BYTE);
    struct strbuf folded = strbuf_new(utf8.max * CASEMAP_GROWTH);
    struct slice text;
    bool ok;

    if (!parser_space(c->p) || !parser_astring(c->p, &text))
        return false;
    ok = text.len <= SEARCH_STRING_MAX && charset_convert_all(c->charset, text, &utf8) &&
         casemap_text(strbuf_slice(&utf8), &folded);
    if (ok)
        *out = arena_copy(c->p->arena, strbuf_slice(&folded));
    strbuf_free(&utf8);
    strbuf_free(&folded);
    return ok || parser_fail(c->p, "Search string is too long");
}

static bool
parse_date_arg(struct context *c, struct search_key *key)
{
    return parser_space(c->p) && parser_date(c->p, &key->days);
}

static bool
parse_size_arg(struct context *c, struct search_key *key)
{
    return parser_space(c->p) && parser_number64(c->p, &key->size);
}

static bool
parse_interval_arg(struct context *c, struct search_key *key)
{
    return parser_space(c->p) && parser_nz_number(c->p, &key->number);
}

static bool
parse_keyword_arg(struct context *c, struct search_key *key)
{
    return parser_space(c->p) && parser_atom(c->p, &key->name);
}

static bool
parse_text_arg(struct context *c, struct search_key *key)
{
    return parse_text(c, &key->text);
}

static bool
parse_header_arg(struct context *c, struct search_key *key)
{
    return parser_space(c->p) && parser_astring(c->p, &key->name) && parse_text(c, &key->text);
}

static bool
parse_uid_arg(struct context *c, struct search_key *key)
{
    return parser_space(c->p) && seqset_parse(c->p, &key->set);
}

/* One UID, or "$" (RFC 9738 section 3.2). */
static bool
parse_one_uid_arg(struct context *c, struct search_key *key)
{
    if (!parser_space(c->p))
        return false;
    if (parser_peek(c->p) == '$')
        return seqset_parse(c->p, &key->set);
    key->set.ranges = arena_alloc(c->p->arena, sizeof(*key->set.ranges));
    key->set.count = 1;
    if (!parser_nz_number(c->p, &key->set.ranges[0].first))
        return false;
    key->set.ranges[0].last = key->set.ranges[0].first;
    return true;
}

static bool
parse_uid_after_arg(struct context *c, struct search_key *key)
{
    key->side = SEARCH_SET_AFTER;
    return parse_one_uid_arg(c, key);
}

static bool
parse_uid_before_arg(struct context *c, struct search_key *key)
{
    key->side = SEARCH_SET_BEFORE;
    return parse_one_uid_arg(c, key);
}

/* entry-flag-name: "/flags/" and a flag. One MODSEQ is kept for each message, so that entries are
 * read and make no difference (RFC 7162 section 3.1.5). */
static bool
parse_modseq_entry(struct context *c)
{
    const struct slice prefix = SLICE("/flags/");
    struct slice name;

    if (!parser_string(c->p, &name) || !parser_space(c->p))
        return false;
    if (!slice_starts_nocase(name, prefix) || name.len == prefix.len)
        return parser_fail(c->p, "Unknown entry");
    return ((parser_word(c->p, "all") || parser_word(c->p, "priv") ||
             parser_word(c->p, "shared")) ||
            parser_fail(c->p, "Unknown entry type")) &&
           parser_space(c->p);
}

static bool
parse_modseq_arg(struct context *c, struct search_key *key)
{
    c->has_modseq = true;
    if (!parser_space(c->p))
        return false;
    if (parser_peek(c->p) == '"' && !parse_modseq_entry(c))
        return false;
    return parser_number64(c->p, &key->modseq);
}

static bool
parse_not_arg(struct context *c, struct search_key *key)
{
    return parser_space(c->p) && parse_key(c, &key->children);
}

static bool
parse_fuzzy_arg(struct context *c, struct search_key *key)
{
    c->has_fuzzy = true;
    if (!parser_space(c->p) || !parse_key(c, &key->children))
        return false;
    key->children = search_fuzzy_make(key->children, c->p->arena);
    return true;
}

static bool
parse_or_arg(struct context *c, struct search_key *key)
{
    return parser_space(c->p) && parse_key(c, &key->children) && parser_space(c->p) &&
           parse_key(c, &key->children->next);
}

/* ---- keys ---- */

/* `not`: the key means the opposite ("UNSEEN"). */
static const struct key_word {
    const char *word;
    enum search_op op;
    bool not ;
    uint32_t flags;
    const char *field; /* HEADER with a fixed name */
    bool (*parse_arg)(struct context *c, struct search_key *key);
} words[] = {
    {"ALL", SEARCH_ALL, false, 0, NULL, NULL},
    {"ANSWERED", SEARCH_FLAG, false, MESSAGE_ANSWERED, NULL, NULL},
    {"BCC", SEARCH_HEADER, false, 0, "Bcc", parse_text_arg},
    {"BEFORE", SEARCH_BEFORE, false, 0, NULL, parse_date_arg},
    {"BODY", SEARCH_BODY, false, 0, NULL, parse_text_arg},
    {"CC", SEARCH_HEADER, false, 0, "Cc", parse_text_arg},
    {"DELETED", SEARCH_FLAG, false, MESSAGE_DELETED, NULL, NULL},
    {"DRAFT", SEARCH_FLAG, false, MESSAGE_DRAFT, NULL, NULL},
    {"EMAILID", SEARCH_EMAILID, false, 0, NULL, parse_keyword_arg},
    {"FLAGGED", SEARCH_FLAG, false, MESSAGE_FLAGGED, NULL, NULL},
    {"FUZZY", SEARCH_AND, false, 0, NULL, parse_fuzzy_arg},
    {"FROM", SEARCH_HEADER, false, 0, "From", parse_text_arg},
    {"HEADER", SEARCH_HEADER, false, 0, NULL, parse_header_arg},
    {"KEYWORD", SEARCH_KEYWORD, false, 0, NULL, parse_keyword_arg},
    {"LARGER", SEARCH_LARGER, false, 0, NULL, parse_size_arg},
    {"MODSEQ", SEARCH_MODSEQ, false, 0, NULL, parse_modseq_arg},
    {"NOT", SEARCH_NOT, false, 0, NULL, parse_not_arg},
    {"OLD", SEARCH_FLAG, true, MESSAGE_RECENT, NULL, NULL},
    {"OLDER", SEARCH_OLDER, false, 0, NULL, parse_interval_arg},
    {"ON", SEARCH_ON, false, 0, NULL, parse_date_arg},
    {"OR", SEARCH_OR, false, 0, NULL, parse_or_arg},
    {"RECENT", SEARCH_FLAG, false, MESSAGE_RECENT, NULL, NULL},
    {"SAVEDATESUPPORTED", SEARCH_ALL, false, 0, NULL, NULL},
    {"SAVEDBEFORE", SEARCH_SAVED_BEFORE, false, 0, NULL, parse_date_arg},
    {"SAVEDON", SEARCH_SAVED_ON, false, 0, NULL, parse_date_arg},
    {"SAVEDSINCE", SEARCH_SAVED_SINCE, false, 0, NULL, parse_date_arg},
    {"SEEN", SEARCH_FLAG, false, MESSAGE_SEEN, NULL, NULL},
    {"SENTBEFORE", SEARCH_SENT_BEFORE, false, 0, NULL, parse_date_arg},
    {"SENTON", SEARCH_SENT_ON, false, 0, NULL, parse_date_arg},
    {"SENTSINCE", SEARCH_SENT_SINCE, false, 0, NULL, parse_date_arg},
    {"SINCE", SEARCH_SINCE, false, 0, NULL, parse_date_arg},
    {"SMALLER", SEARCH_SMALLER, false, 0, NULL, parse_size_arg},
    {"SUBJECT", SEARCH_HEADER, false, 0, "Subject", parse_text_arg},
    {"TEXT", SEARCH_TEXT, false, 0, NULL, parse_text_arg},
    {"THREADID", SEARCH_THREADID, false, 0, NULL, parse_keyword_arg},
    {"TO", SEARCH_HEADER, false, 0, "To", parse_text_arg},
    {"UID", SEARCH_UID, false, 0, NULL, parse_uid_arg},
    {"UIDAFTER", SEARCH_UID, false, 0, NULL, parse_uid_after_arg},   /* RFC 9738 */
    {"UIDBEFORE", SEARCH_UID, false, 0, NULL, parse_uid_before_arg}, /* RFC 9738 */
    {"UNANSWERED", SEARCH_FLAG, true, MESSAGE_ANSWERED, NULL, NULL},
    {"UNDELETED", SEARCH_FLAG, true, MESSAGE_DELETED, NULL, NULL},
    {"UNDRAFT", SEARCH_FLAG, true, MESSAGE_DRAFT, NULL, NULL},
    {"UNFLAGGED", SEARCH_FLAG, true, MESSAGE_FLAGGED, NULL, NULL},
    {"UNKEYWORD", SEARCH_KEYWORD, true, 0, NULL, parse_keyword_arg},
    {"UNSEEN", SEARCH_FLAG, true, MESSAGE_SEEN, NULL, NULL},
    {"YOUNGER", SEARCH_YOUNGER, false, 0, NULL, parse_interval_arg},
};

static struct search_key *
negate(struct context *c, struct search_key *key)
{
    struct search_key *not = new_key(c, SEARCH_NOT);

    not ->children = key;
    return not ;
}

static bool
parse_word(struct context *c, const struct key_word *word, struct search_key **out)
{
    struct search_key *key = new_key(c, word->op);

    key->flags = word->flags;
    if (word->field != NULL)
        key->name = slice_of(word->field);
    if (word->parse_arg != NULL && !word->parse_arg(c, key))
        return false;
    *out = word->not ? negate(c, key) : key;
    return true;
}

/* "NEW" is RECENT and UNSEEN. */
static struct search_key *
new_messages(struct context *c)
{
    struct search_key *both = new_key(c, SEARCH_AND), *seen = new_key(c, SEARCH_FLAG);

    both->children = new_key(c, SEARCH_FLAG);
    both->children->flags = MESSAGE_RECENT;
    seen->flags = MESSAGE_SEEN;
    both->children->next = negate(c, seen);
    return both;
}

/* Puts `key` where it belongs among the conditions of an AND: what is cheap goes first. */
static void
insert_by_cost(struct search_key *and, struct search_key *key)
{
    struct search_key **at = &and->children;

    while (*at != NULL && (*at)->cost <= key->cost)
        at = &(*at)->next;
    key->next = *at;
    *at = key;
}

/* search-key *(SP search-key), up to the end or a closing parenthesis. */
static bool
parse_list(struct context *c, struct search_key **out)
{
    struct search_key *key = NULL;

    *out = new_key(c, SEARCH_AND);
    do {
        if (!parse_key(c, &key) || key == NULL) /* it is set then: clang-tidy does not see it */
            return false;
        insert_by_cost(*out, key);
    } while (parser_optional(c->p, ' '));
    return true;
}

/* ---- FILTER (RFC 5466) ---- */

bool
search_args_parse_filter_name(struct parser *p, struct slice *out)
{
    return parser_atom(p, out) &&
           (slice_index(*out, '/') == out->len || parser_fail(p, "Wrong name of a filter"));
}

/* The criteria of the filter; all that is found out about them is the program's. */
static bool
parse_criteria(struct context *c, struct slice criteria, struct search_key **out)
{
    struct parser p = *c->p;
    struct context inner = *c;
    bool ok;

    p.rest = criteria;
    inner.p = &p;
    inner.charset = SLICE("utf-8");
    inner.filter_depth++;
    ok = parse_list(&inner, out) && parser_end(&p);
    c->has_modseq = inner.has_modseq;
    c->has_fuzzy = inner.has_fuzzy;
    c->filters = inner.filters;
    c->undefined_filter = inner.undefined_filter;
    c->p->has_numbers = p.has_numbers;
    return ok || parser_fail(c->p, p.error);
}

/* It stands for its criteria as if they were in parentheses. One that leads back to itself ends
 * like one that is not there. */
static bool
parse_filter(struct context *c, struct search_key **out)
{
    const struct filter_source *source = c->p->filters;
    struct slice name, criteria;

    if (!parser_space(c->p) || !search_args_parse_filter_name(c->p, &name))
        return false;
    if (!slice_eq_nocase(c->charset, SLICE("utf-8")) &&
        !slice_eq_nocase(c->charset, SLICE("us-ascii"))) {
        c->filter_charset = true;
        return parser_fail(c->p, "FILTER needs CHARSET UTF-8");
    }
    if (source != NULL && c->filter_depth < SEARCH_FILTER_DEPTH &&
        c->filters++ < SEARCH_FILTERS_MAX &&
        source->find(source->arg, name, c->p->arena, &criteria))
        return parse_criteria(c, criteria, out);
    c->undefined_filter = name;
    return parser_fail(c->p, "No such filter");
}

static bool
parse_any_key(struct context *c, struct search_key **out)
{
    char next = parser_peek(c->p);

    if (parser_optional(c->p, '('))
        return parse_list(c, out) && parser_char(c->p, ')');
    if (next == '*' || next == '$' || (next >= '0' && next <= '9')) {
        *out = new_key(c, SEARCH_SEQ);
        return seqset_parse(c->p, &(*out)->set) &&
               ((*out)->set.count == 0 || parser_numbers(c->p)); /* "$" has none */
    }
    if (parser_word(c->p, "NEW")) {
        *out = new_messages(c);
        return true;
    }
    if (parser_word(c->p, "FILTER"))
        return parse_filter(c, out);
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (parser_word(c->p, words[i].word))
            return parse_word(c, &words[i], out);
    return parser_fail(c->p, "Unknown search key");
}

static bool
parse_key(struct context *c, struct search_key **out)
{
    bool ok;

    if (c->depth == SEARCH_DEPTH_MAX)
        return parser_fail(c->p, "Search keys are nested too deep");
    c->depth++;
    ok = parse_any_key(c, out);
    c->depth--;
    if (ok)
        for (const struct search_key *child = (*out)->children; child != NULL; child = child->next)
            if (child->cost > (*out)->cost)
                (*out)->cost = child->cost;
    return ok;
}

static bool
is_known(struct slice charset)
{
    struct charset *cs = charset_open(charset);
    bool known = charset_is_known(cs);

    charset_close(&cs);
    return known;
}

/* The charset's name, and whether it is one that we know. */
static bool
parse_charset(struct context *c, struct search_args *out)
{
    if (!parser_space(c->p) || !parser_astring(c->p, &c->charset))
        return false;
    out->bad_charset = !is_known(c->charset);
    return !out->bad_charset;
}

static bool
finish(struct context *c, struct search_args *out)
{
    if (!parse_list(c, &out->root)) {
        out->filter_charset = c->filter_charset;
        out->undefined_filter = c->undefined_filter;
        return false;
    }
    out->has_modseq = c->has_modseq;
    out->has_fuzzy = c->has_fuzzy;
    return parser_end(c->p);
}

bool
search_args_parse(struct parser *p, struct search_args *out)
{
    struct context c = {.p = p, .charset = SLICE("utf-8")};

    *out = (struct search_args){.root = NULL};
    if (!parser_space(p))
        return false;
    if (parser_word(p, "CHARSET") && (!parse_charset(&c, out) || !parser_space(p)))
        return false;
    return finish(&c, out);
}

bool
search_args_parse_filter(struct parser *p, struct search_args *out)
{
    struct context c = {.p = p, .charset = SLICE("utf-8")};

    *out = (struct search_args){.root = NULL};
    return finish(&c, out);
}

bool
search_args_parse_criteria(struct parser *p, struct search_args *out)
{
    struct context c = {.p = p};

    *out = (struct search_args){.root = NULL};
    return parse_charset(&c, out) && parser_space(p) && finish(&c, out);
}
