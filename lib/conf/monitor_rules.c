/*
 * lib/conf/monitor_rules.c - reads monitoring.rules and finds the rules of an address.
 *
 * Input: written by administrators, of a domain's perhaps; refused whole with a line for each
 * error. Opens the one file.
 */
#include "lib/conf/monitor_rules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/arena.h"
#include "lib/base/io.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/conf/conf_line.h"
#include "lib/mail/address.h"

/* The rules of one address or domain. */
struct matches {
    size_t position; /* among all */
    uint32_t *rules;
    size_t count, room;
};

struct monitor_met {
    bool *matches; /* by position: all rules of these were handed out */
    bool rules[];
};

struct monitor_rules {
    struct arena arena; /* what all slices borrow from */
    struct monitor_rule *rules;
    size_t count, room;
    struct slice *copies;
    size_t copy_count, copy_room;
    size_t monitored_count;
    struct map *by_copy; /* address to its position + 1 */
    struct map *by_name; /* of the rule, to its position + 1 */
    struct map *by_whom; /* "user@domain" or "@domain" to struct matches */
};

struct parser {
    struct monitor_rules *rules;
    struct monitor_rule *rule; /* NULL: before the first, or in one that was refused */
    const char *name;
    unsigned line;
    unsigned seen; /* bit i: keys[i] stood in this section */
    size_t error_count;
    struct strbuf *errors;
};

__attribute__((format(printf, 2, 3))) static void
fail(struct parser *p, const char *format, ...)
{
    va_list args;

    if (++p->error_count > MONITOR_ERRORS_MAX)
        return;
    (void)strbuf_printf(p->errors, "%s:%u: ", p->name, p->line);
    va_start(args, format);
    (void)strbuf_vprintf(p->errors, format, args);
    va_end(args);
    (void)strbuf_char(p->errors, '\n');
}

static int
shown(struct slice text)
{
    return (int)(text.len > 100 ? 100 : text.len);
}

/* ---- values ---- */

static struct slice
next_word(struct slice *rest)
{
    size_t from = 0, to;

    while (from < rest->len && strchr(" \t,", rest->ptr[from]) != NULL)
        from++;
    to = from;
    while (to < rest->len && strchr(" \t,", rest->ptr[to]) == NULL)
        to++;
    struct slice word = slice_sub(*rest, from, to);
    *rest = slice_sub(*rest, to, rest->len);
    return word;
}

static struct slice
lower(struct arena *arena, struct slice text)
{
    struct slice copy = arena_copy(arena, text);
    char *bytes = (char *)copy.ptr;

    for (size_t i = 0; i < copy.len; i++)
        if (bytes[i] >= 'A' && bytes[i] <= 'Z')
            bytes[i] = (char)(bytes[i] | 0x20);
    return copy;
}

static bool
is_address(struct slice word)
{
    struct address address;

    return address_parse(word, ADDRESS_UTF8, &address) == ADDRESS_OK && !address.is_literal;
}

/* A place for one more of `count` things of `size` bytes. */
static void *
grow(void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return items;
    *room = *room == 0 ? 16 : 2 * *room;
    return xreallocarray(items, *room, size);
}

static void
match_add(struct monitor_rules *rules, struct slice whom, uint32_t rule)
{
    void **place = map_at(rules->by_whom, whom);
    struct matches *m = *place;

    if (m == NULL) {
        *place = m = xcalloc(1, sizeof(*m));
        m->position = map_count(rules->by_whom) - 1;
    }
    if (m->count > 0 && m->rules[m->count - 1] == rule)
        return; /* the rule has it twice */
    m->rules = grow(m->rules, m->count, &m->room, sizeof(*m->rules));
    m->rules[m->count++] = rule;
}

static void
add_monitored(struct parser *p, struct slice word)
{
    struct monitor_rules *rules = p->rules;
    bool is_domain = slice_starts(word, SLICE("*@"));
    struct slice whom = lower(&rules->arena, slice_sub(word, is_domain ? 1 : 0, word.len));

    if (is_domain ? !address_is_domain(slice_sub(whom, 1, whom.len), true) : !is_address(whom)) {
        fail(p, "monitored: expected user@domain or *@domain, not '%.*s'", shown(word), word.ptr);
        return;
    }
    if (rules->monitored_count == MONITOR_ADDRESSES_MAX) {
        fail(p, "monitored: expected at most %d addresses in all rules", MONITOR_ADDRESSES_MAX);
        return;
    }
    rules->monitored_count++;
    p->rule->monitored = xreallocarray(p->rule->monitored, p->rule->monitored_count + 1,
                                       sizeof(*p->rule->monitored));
    p->rule->monitored[p->rule->monitored_count++] = whom;
    match_add(rules, whom, (uint32_t)(p->rule - rules->rules));
}

static void
set_monitored(struct parser *p, struct slice value)
{
    for (struct slice word; (word = next_word(&value)).len > 0;)
        add_monitored(p, word);
}

/* The position of an address among all that get copies; -1: there are too many. */
static int64_t
copy_position(struct monitor_rules *rules, struct slice address)
{
    void **place;

    address = lower(&rules->arena, address);
    place = map_at(rules->by_copy, address);
    if (place == NULL)
        return -1;
    if (*place == NULL) {
        rules->copies =
            grow(rules->copies, rules->copy_count, &rules->copy_room, sizeof(*rules->copies));
        rules->copies[rules->copy_count++] = address;
        *place = (void *)(uintptr_t)rules->copy_count;
    }
    return (int64_t)(uintptr_t)*place - 1;
}

static void
set_copies(struct parser *p, struct slice value, struct monitor_list *list, const char *key)
{
    for (struct slice word; (word = next_word(&value)).len > 0;) {
        int64_t at;

        if (!is_address(word)) {
            fail(p, "%s: expected user@domain, not '%.*s'", key, shown(word), word.ptr);
            continue;
        }
        at = copy_position(p->rules, word);
        if (at < 0 || list->count == MONITOR_COPIES_RULE_MAX) {
            fail(p, "%s: expected at most %d addresses in a list, %d in all rules", key,
                 MONITOR_COPIES_RULE_MAX, MONITOR_COPIES_MAX);
            return;
        }
        list->items = xreallocarray(list->items, list->count + 1, sizeof(*list->items));
        list->items[list->count++] = (uint32_t)at;
    }
}

static void
set_outgoing(struct parser *p, struct slice value)
{
    set_copies(p, value, &p->rule->outgoing, "outgoing");
}

static void
set_incoming(struct parser *p, struct slice value)
{
    set_copies(p, value, &p->rule->incoming, "incoming");
}

static void
set_owner(struct parser *p, struct slice value)
{
    if (!address_is_domain(value, true))
        fail(p, "owner: expected a domain such as example.org");
    else
        p->rule->owner = xslicedup(lower(&p->rules->arena, value));
}

static void
set_mail(struct parser *p, struct slice value)
{
    if (slice_eq(value, SLICE("internal")))
        p->rule->mail = MONITOR_INTERNAL;
    else if (slice_eq(value, SLICE("external")))
        p->rule->mail = MONITOR_EXTERNAL;
    else if (!slice_eq(value, SLICE("both")))
        fail(p, "mail: expected internal, external or both");
}

static const struct {
    const char *name;
    bool repeats;
    void (*set)(struct parser *p, struct slice value);
} keys[] = {
    {"owner", false, set_owner},      {"monitored", true, set_monitored},
    {"outgoing", true, set_outgoing}, {"incoming", true, set_incoming},
    {"mail", false, set_mail},
};

/* ---- sections ---- */

static bool
is_within(struct slice address, const char *domain)
{
    return slice_eq(slice_sub(address, slice_rindex(address, '@') + 1, address.len),
                    slice_of(domain));
}

static void
check_list(struct parser *p, const struct monitor_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct slice address = p->rules->copies[list->items[i]];

        if (!is_within(address, p->rule->owner))
            fail(p, "[%s] is a rule of %s: '%.*s' is not of that domain", p->rule->name,
                 p->rule->owner, shown(address), address.ptr);
    }
}

/* MON-04: what a domain's administrators have written holds for their domain alone. */
static void
check_owner(struct parser *p)
{
    for (size_t i = 0; i < p->rule->monitored_count; i++)
        if (!is_within(p->rule->monitored[i], p->rule->owner))
            fail(p, "[%s] is a rule of %s: '%.*s' is not of that domain", p->rule->name,
                 p->rule->owner, shown(p->rule->monitored[i]), p->rule->monitored[i].ptr);
    check_list(p, &p->rule->outgoing);
    check_list(p, &p->rule->incoming);
}

static void
end_section(struct parser *p)
{
    unsigned here = p->line;

    if (p->rule == NULL)
        return;
    p->line = p->rule->first;
    if (p->rule->monitored_count == 0)
        fail(p, "[%s] has nobody in 'monitored'", p->rule->name);
    if (p->rule->outgoing.count + p->rule->incoming.count == 0)
        fail(p, "[%s] has nobody in 'outgoing' and 'incoming' who gets a copy", p->rule->name);
    if (p->rule->owner != NULL)
        check_owner(p);
    p->line = here;
}

static void
begin_section(struct parser *p, struct slice name)
{
    struct monitor_rules *rules = p->rules;
    void **place;

    end_section(p);
    p->rule = NULL;
    p->seen = 0;
    place = map_at(rules->by_name, name);
    if (place == NULL) {
        fail(p, "expected at most %d rules", MONITOR_RULES_MAX);
        return;
    }
    if (*place != NULL) {
        fail(p, "[%.*s] is there twice", shown(name), name.ptr);
        return;
    }
    rules->rules = grow(rules->rules, rules->count, &rules->room, sizeof(*rules->rules));
    p->rule = &rules->rules[rules->count++];
    *p->rule = (struct monitor_rule){.name = xslicedup(name),
                                     .first = p->line,
                                     .last = p->line,
                                     .mail = MONITOR_INTERNAL | MONITOR_EXTERNAL};
    *place = (void *)(uintptr_t)rules->count;
}

static void
set_value(struct parser *p, struct slice name, struct slice value)
{
    if (p->rule == NULL) {
        if (p->rules->count == 0 && p->error_count == 0)
            fail(p, "expected a [rule] before the first setting");
        return; /* inside a section that was refused: one error is enough */
    }
    p->rule->last = p->line;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (!slice_eq(name, slice_of(keys[i].name)))
            continue;
        if ((p->seen & 1u << i) != 0 && !keys[i].repeats)
            fail(p, "'%s' is there twice", keys[i].name);
        else
            keys[i].set(p, value);
        p->seen |= 1u << i;
        return;
    }
    fail(p, "'%.*s': expected owner, monitored, outgoing, incoming or mail", shown(name), name.ptr);
}

static void
parse_line(struct parser *p, struct slice text, struct strbuf *value)
{
    struct conf_line line = conf_line_parse(text, value);

    switch (line.kind) {
    case CONF_LINE_BLANK:
        return;
    case CONF_LINE_SECTION:
        begin_section(p, line.name);
        return;
    case CONF_LINE_SETTING:
        set_value(p, line.name, strbuf_slice(value));
        return;
    case CONF_LINE_BAD:
        fail(p, "%s", line.problem);
        return;
    }
}

/* ---- the whole ---- */

struct monitor_rules *
monitor_rules_parse(struct slice text, const char *name, struct strbuf *errors)
{
    struct parser p = {.name = name, .errors = errors};
    struct strbuf value = strbuf_new(CONF_VALUE_MAX);

    p.rules = xcalloc(1, sizeof(*p.rules));
    p.rules->by_copy = map_new(MONITOR_COPIES_MAX);
    p.rules->by_name = map_new(MONITOR_RULES_MAX);
    p.rules->by_whom = map_new(MONITOR_ADDRESSES_MAX);
    while (text.len > 0) {
        p.line++;
        parse_line(&p, slice_split(&text, '\n'), &value);
    }
    end_section(&p);
    strbuf_free(&value);
    if (p.error_count > MONITOR_ERRORS_MAX)
        (void)strbuf_printf(errors, "%s: and %zu more errors\n", name,
                            p.error_count - MONITOR_ERRORS_MAX);
    if (p.error_count > 0)
        monitor_rules_free(&p.rules);
    return p.rules;
}

struct monitor_rules *
monitor_rules_load(const char *etc, struct strbuf *errors)
{
    char *path = xasprintf("%s/" MONITOR_RULES_FILE, etc);
    struct strbuf text = strbuf_new(MONITOR_FILE_MAX);
    struct monitor_rules *rules = NULL;

    if (read_file(AT_FDCWD, path, &text) == 0 || errno == ENOENT)
        rules = monitor_rules_parse(strbuf_slice(&text), path, errors);
    else
        (void)strbuf_printf(errors, "%s: %s\n", path, strerror(errno));
    strbuf_free(&text);
    free(path);
    return rules;
}

static void
matches_free(void *value)
{
    struct matches *m = value;

    free(m->rules);
    free(m);
}

void
monitor_rules_free(struct monitor_rules **rulesp)
{
    struct monitor_rules *rules = *rulesp;

    if (rules == NULL)
        return;
    for (size_t i = 0; i < rules->count; i++) {
        struct monitor_rule *rule = &rules->rules[i];

        free(rule->name);
        free(rule->owner);
        free(rule->monitored);
        free(rule->outgoing.items);
        free(rule->incoming.items);
    }
    map_free(&rules->by_copy, NULL);
    map_free(&rules->by_name, NULL);
    map_free(&rules->by_whom, matches_free);
    arena_free(&rules->arena);
    free(rules->rules);
    free(rules->copies);
    xfree(rulesp);
}

size_t
monitor_rules_count(const struct monitor_rules *rules)
{
    return rules->count;
}

const struct monitor_rule *
monitor_rules_at(const struct monitor_rules *rules, size_t i)
{
    return &rules->rules[i];
}

const struct monitor_rule *
monitor_rules_named(const struct monitor_rules *rules, struct slice name)
{
    uintptr_t at = (uintptr_t)map_get(rules->by_name, name);

    return at == 0 ? NULL : &rules->rules[at - 1];
}

size_t
monitor_rules_copies(const struct monitor_rules *rules)
{
    return rules->copy_count;
}

struct slice
monitor_rules_copy(const struct monitor_rules *rules, size_t i)
{
    return rules->copies[i];
}

struct monitor_met *
monitor_met_new(const struct monitor_rules *rules)
{
    struct monitor_met *met = xcalloc(1, sizeof(*met) + rules->count * sizeof(met->rules[0]));

    met->matches = xcalloc(map_count(rules->by_whom) + 1, sizeof(*met->matches));
    return met;
}

void
monitor_met_free(struct monitor_met **metp)
{
    if (*metp != NULL)
        free((*metp)->matches);
    xfree(metp);
}

static void
hand_out(const struct monitor_rules *rules, const struct matches *m, struct monitor_met *met,
         void (*each)(void *arg, const struct monitor_rule *rule), void *arg)
{
    if (met != NULL && met->matches[m->position])
        return;
    if (met != NULL)
        met->matches[m->position] = true;
    for (size_t i = 0; i < m->count; i++) {
        if (met != NULL && met->rules[m->rules[i]])
            continue;
        if (met != NULL)
            met->rules[m->rules[i]] = true;
        each(arg, &rules->rules[m->rules[i]]);
    }
}

void
monitor_rules_find(const struct monitor_rules *rules, struct slice address, struct monitor_met *met,
                   void (*each)(void *arg, const struct monitor_rule *rule), void *arg)
{
    char key[ADDRESS_MAX];
    struct slice whom;

    if (rules->count == 0 || address.len > sizeof(key))
        return; /* no rule has one so long */
    for (size_t i = 0; i < address.len; i++)
        key[i] = address.ptr[i] >= 'A' && address.ptr[i] <= 'Z' ? (char)(address.ptr[i] | 0x20)
                                                                : address.ptr[i];
    whom = slice_make(key, address.len);
    for (int round = 0; round < 2; round++) {
        const struct matches *m = map_get(rules->by_whom, whom);

        if (m != NULL)
            hand_out(rules, m, met, each, arg);
        whom = slice_sub(whom, slice_rindex(whom, '@'), whom.len);
    }
}
