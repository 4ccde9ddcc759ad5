/*
 * lib/mail/address_list.c - the addresses of a From, To, Cc, ... field.
 *
 * Input:  the body of a header field, still folded. Untrusted: the sender wrote it.
 * Linear in the input: once a quote or parenthesis has turned out to be never closed, all that
 * follow are ordinary characters.
 */
#include "lib/mail/address_list.h"

#include <string.h>

#include "lib/mail/structured.h"

struct address_list
address_list_begin(struct slice body)
{
    return (struct address_list){.field = body,
                                 .rest = body,
                                 .name = strbuf_new(ADDRESS_LIST_TEXT_MAX),
                                 .comment = strbuf_new(ADDRESS_LIST_TEXT_MAX),
                                 .route = strbuf_new(ADDRESS_LIST_TEXT_MAX),
                                 .local = strbuf_new(ADDRESS_LIST_TEXT_MAX),
                                 .domain = strbuf_new(ADDRESS_LIST_TEXT_MAX)};
}

void
address_list_end(struct address_list *list)
{
    strbuf_free(&list->name);
    strbuf_free(&list->comment);
    strbuf_free(&list->route);
    strbuf_free(&list->local);
    strbuf_free(&list->domain);
}

static void
clear_texts(struct address_list *list)
{
    strbuf_clear(&list->name);
    strbuf_clear(&list->comment);
    strbuf_clear(&list->route);
    strbuf_clear(&list->local);
    strbuf_clear(&list->domain);
}

/* Position behind the quoted string or comment that starts `s`; 0: it is never closed. */
static size_t
closed_len(struct slice s)
{
    size_t depth = 1;

    for (size_t i = 1; i < s.len; i++) {
        if (s.ptr[i] == '\\')
            i++;
        else if (s.ptr[0] == '"' ? s.ptr[i] == '"' : s.ptr[i] == ')' && --depth == 0)
            return i + 1;
        else if (s.ptr[0] == '(' && s.ptr[i] == '(')
            depth++;
    }
    return 0;
}

static size_t
position(const struct address_list *list)
{
    return list->field.len - list->rest.len;
}

static char
peek(const struct address_list *list)
{
    if (list->rest.len == 0)
        return '\0';
    return list->rest.ptr[0];
}

static void
advance(struct address_list *list, size_t count)
{
    list->rest = slice_sub(list->rest, count, list->rest.len);
}

static bool
at_white_space(const struct address_list *list)
{
    char c = peek(list);

    return list->rest.len > 0 && (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0');
}

/* Skips white space and comments; the last comment's text is kept. True if there was any. */
static bool
skip(struct address_list *list)
{
    bool any = false;

    for (;; any = true) {
        size_t len;

        if (at_white_space(list)) {
            advance(list, 1);
            continue;
        }
        if (peek(list) != '(' || list->parens_broken)
            return any;
        len = closed_len(list->rest);
        list->parens_broken = len == 0;
        if (len == 0)
            return any;
        strbuf_clear(&list->comment);
        (void)structured_unquote(slice_sub(list->rest, 1, len - 1), &list->comment);
        advance(list, len);
    }
}

static bool
is_word_char(const struct address_list *list, char c)
{
    switch (c) {
    case '(':
        return list->parens_broken;
    case '<':
    case '>':
    case '@':
    case ',':
    case ';':
    case ':':
    case '"':
    case ' ':
    case '\t':
    case '\r':
    case '\n':
    case '\0':
        return false;
    default:
        return true;
    }
}

/* Appends one word (quoted or not) to `out`. False: something else is there. */
static bool
take_word(struct address_list *list, struct strbuf *out)
{
    size_t len = 0;

    if (peek(list) == '"') {
        len = list->quotes_broken ? 0 : closed_len(list->rest);
        list->quotes_broken = len == 0;
        if (len > 0)
            (void)structured_unquote(slice_sub(list->rest, 1, len - 1), out);
        advance(list, len == 0 ? 1 : len); /* RFC 7103 section 7.1.6 */
        return true;
    }
    while (len < list->rest.len && is_word_char(list, list->rest.ptr[len]))
        len++;
    (void)strbuf_append(out, slice_sub(list->rest, 0, len));
    advance(list, len);
    return len > 0;
}

/* Words up to a delimiter, one space where there was any. False: there was no word. */
static bool
take_phrase(struct address_list *list, struct strbuf *out)
{
    bool any = false;

    for (;;) {
        bool space = skip(list);
        size_t before = out->len;

        if (any && space)
            (void)strbuf_char(out, ' ');
        if (take_word(list, out)) {
            any = true;
            continue;
        }
        strbuf_truncate(out, before);
        return any;
    }
}

/* The same for a local part: white space around dots is no part of it (RFC 5322 section 4.4). */
static void
tidy_local(struct strbuf *local)
{
    size_t to = 0;

    for (size_t i = 0; i < local->len; i++) {
        bool by_dot = (to > 0 && local->ptr[to - 1] == '.') ||
                      (i + 1 < local->len && local->ptr[i + 1] == '.');

        if (local->ptr[i] != ' ' || !by_dot)
            local->ptr[to++] = local->ptr[i];
    }
    if (local->ptr != NULL)
        strbuf_truncate(local, to);
}

/* What is in nearly all domains: between such characters there is nothing to look for. */
static bool
is_label_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

/* Behind '@': dot-atom or domain literal. White space and comments are dropped beside dots (RFC
 * 5322 section 4.4); elsewhere they end it. */
static void
take_domain(struct address_list *list, struct strbuf *out)
{
    bool begun = false;

    for (;; begun = true) {
        bool space = skip(list);

        if (list->rest.len == 0 || strchr("<>@,;:\"(", peek(list)) != NULL ||
            (begun && space && peek(list) != '.' && !strbuf_ends_with(out, ".")))
            return;
        if (peek(list) == '[') {
            size_t len = slice_index(list->rest, ']') + 1;

            (void)structured_unquote(slice_sub(list->rest, 0, len), out);
            advance(list, len);
            list->domain_end = position(list);
            continue;
        }
        do {
            (void)strbuf_char(out, peek(list));
            advance(list, 1);
        } while (is_label_char(peek(list)));
        list->domain_end = position(list);
    }
}

/* "@a,@b:" in front of an address (RFC 5322 section 4.4). */
static void
take_route(struct address_list *list)
{
    struct slice before = list->rest;

    while (peek(list) == '@' || peek(list) == ',') {
        (void)strbuf_char(&list->route, peek(list));
        advance(list, 1);
        take_domain(list, &list->route);
    }
    if (peek(list) == ':') {
        advance(list, 1);
        return;
    }
    list->rest = before; /* no route after all: an address without a local part */
    strbuf_clear(&list->route);
}

/* At '<'. RFC 7103 sections 7.1.2, 7.1.3, 7.1.5: too many brackets, and brackets never closed. */
static void
take_angle(struct address_list *list)
{
    strbuf_clear(&list->local);
    strbuf_clear(&list->domain);
    while (peek(list) == '<' || at_white_space(list))
        advance(list, 1);
    (void)skip(list);
    if (peek(list) == '@')
        take_route(list);
    (void)skip(list);
    list->local_start = position(list);
    (void)take_phrase(list, &list->local);
    if (peek(list) == '@') {
        advance(list, 1);
        take_domain(list, &list->domain);
    }
    while (list->rest.len > 0 && strchr(",;", peek(list)) == NULL)
        if (!skip(list)) {
            bool closed = peek(list) == '>';

            advance(list, 1);
            if (closed && (skip(list), peek(list) != '>'))
                return;
        }
}

/* At '@' behind a bare local part. */
static void
take_bare(struct address_list *list)
{
    (void)strbuf_append(&list->local, strbuf_slice(&list->name));
    strbuf_clear(&list->name);
    advance(list, 1);
    take_domain(list, &list->domain);
    if (peek(list) == '<') { /* "a@b <a@b>": what looked like the address was the name */
        (void)strbuf_append(&list->name, strbuf_slice(&list->local));
        (void)strbuf_char(&list->name, '@');
        (void)strbuf_append(&list->name, strbuf_slice(&list->domain));
        take_angle(list);
        return;
    }
    while (list->rest.len > 0 && strchr(",;", peek(list)) == NULL)
        if (!skip(list))
            advance(list, 1);
}

/* What was read since the entry began, without white space at its end. */
static struct slice
all_read(const struct address_list *list)
{
    size_t end = position(list);

    while (end > list->start && strchr(" \t\r\n", list->field.ptr[end - 1]) != NULL)
        end--;
    return slice_sub(list->field, list->start, end);
}

static void
fill_in(struct address_list *list, struct address_entry *entry, enum address_entry_kind kind)
{
    bool is_mailbox = kind == ADDRESS_MAILBOX, use_comment = list->name.len == 0 && is_mailbox;
    bool is_written = is_mailbox && list->domain.len > 0;

    tidy_local(&list->local);
    *entry = (struct address_entry){
        .kind = kind,
        .name = strbuf_slice(use_comment ? &list->comment : &list->name),
        .route = strbuf_slice(&list->route),
        .local = strbuf_slice(&list->local),
        .domain = strbuf_slice(&list->domain),
        .written = slice_sub(list->field, list->local_start, is_written ? list->domain_end : 0),
        .whole = is_mailbox ? all_read(list) : slice_make(NULL, 0),
    };
}

/* What follows a phrase decides what it was. False: nothing that could be shown. */
static bool
take_entry(struct address_list *list, struct address_entry *entry)
{
    bool any;

    list->start = list->local_start =
        position(list); /* skipped up to here; unless it turns out to be a name */
    any = take_phrase(list, &list->name);
    switch (peek(list)) {
    case '<':
        take_angle(list);
        break;
    case '@':
        take_bare(list);
        break;
    case ':':
        advance(list, 1);
        if (list->in_group || !any)
            return false;
        list->in_group = true;
        fill_in(list, entry, ADDRESS_GROUP_START);
        return true;
    case '>':
        advance(list, 1);
        return false;
    default: /* RFC 7103 section 7.1.7: a name or a local part alone */
        (void)strbuf_append(&list->local, strbuf_slice(&list->name));
        strbuf_clear(&list->name);
    }
    fill_in(list, entry, ADDRESS_MAILBOX);
    return entry->local.len > 0 || entry->domain.len > 0;
}

bool
address_list_next(struct address_list *list, struct address_entry *entry)
{
    for (;;) {
        clear_texts(list);
        (void)skip(list);
        if (peek(list) == ',') {
            advance(list, 1);
            continue;
        }
        if (list->rest.len == 0 || peek(list) == ';') {
            bool was_group = list->in_group, at_end = list->rest.len == 0;

            advance(list, 1);
            list->in_group = false;
            if (was_group) {
                fill_in(list, entry, ADDRESS_GROUP_END);
                return true;
            }
            if (at_end)
                return false;
            continue;
        }
        clear_texts(list);
        if (take_entry(list, entry))
            return true;
    }
}
