/*
 * lib/conf/tls_table.c - entries of the list file remote.tls_table, and how one is found.
 *
 * Input: written by the administrator, checked by tls_table_expected. No I/O.
 */
#include "lib/conf/tls_table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/mail/address.h"

struct tls_table {
    struct map *rules; /* by domain, or ".domain", in lower case */
    bool verifies;
};

static const struct {
    const char *word;
    enum tls_wish wish;
} levels[] = {
    {"none", TLS_WISH_NONE},           {"may", TLS_WISH_MAY},       {"encrypt", TLS_WISH_ENCRYPT},
    {"dane", TLS_WISH_DANE},           {"verify", TLS_WISH_VERIFY}, {"secure", TLS_WISH_SECURE},
    {"dane-only", TLS_WISH_DANE_ONLY},
};

/* ---- one entry ---- */

static struct slice
take_word(struct slice *rest)
{
    size_t end = 0, next;

    while (end < rest->len && rest->ptr[end] != ' ' && rest->ptr[end] != '\t')
        end++;
    next = end;
    while (next < rest->len && (rest->ptr[next] == ' ' || rest->ptr[next] == '\t'))
        next++;
    struct slice word = slice_sub(*rest, 0, end);
    *rest = slice_sub(*rest, next, rest->len);
    return word;
}

static bool
is_name(struct slice name)
{
    if (name.len > 0 && name.ptr[0] == '.')
        name = slice_sub(name, 1, name.len);
    return address_is_domain(name, false);
}

static bool
find_level(struct slice word, enum tls_wish *wish)
{
    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        if (!slice_eq_nocase(word, slice_of(levels[i].word)))
            continue;
        *wish = levels[i].wish;
        return true;
    }
    return false;
}

const char *
tls_table_expected(struct slice entry)
{
    struct slice domain = take_word(&entry), level = take_word(&entry);
    enum tls_wish wish;
    size_t names = 0;

    if (!is_name(domain))
        return "DOMAIN LEVEL, the domain such as example.org or .example.org";
    if (!find_level(level, &wish))
        return "DOMAIN LEVEL, the level one of " TLS_TABLE_LEVELS;
    for (; entry.len > 0; names++)
        if (!is_name(take_word(&entry)) || wish != TLS_WISH_VERIFY || names == TLS_TABLE_NAMES_MAX)
            return "DOMAIN LEVEL, after verify at most 8 names such as mx.example.org";
    return NULL;
}

/* ---- the table ---- */

static size_t
lower(struct slice text, char *out)
{
    for (size_t i = 0; i < text.len; i++)
        out[i] =
            text.ptr[i] >= 'A' && text.ptr[i] <= 'Z' ? (char)(text.ptr[i] | 0x20) : text.ptr[i];
    return text.len;
}

static void
rule_free(void *value)
{
    struct tls_rule *rule = value;

    for (size_t i = 0; i < rule->name_count; i++)
        free(rule->names[i]);
    free(rule);
}

static void
add(struct tls_table *table, const struct list_entry *entry)
{
    struct slice rest = entry->text, domain = take_word(&rest), level = take_word(&rest);
    struct tls_rule *rule = xcalloc(1, sizeof(*rule));
    char key[LIST_ENTRY_MAX];
    void **place = map_at(table->rules, slice_make(key, lower(domain, key)));

    rule->line = entry->line;
    (void)find_level(level, &rule->wish); /* the entry is right */
    while (rest.len > 0 && rule->name_count < TLS_TABLE_NAMES_MAX) {
        struct slice name = take_word(&rest);

        rule->names[rule->name_count++] = xasprintf("%.*s", (int)name.len, name.ptr);
    }
    table->verifies =
        table->verifies || rule->wish == TLS_WISH_VERIFY || rule->wish == TLS_WISH_SECURE;
    if (*place != NULL)
        rule_free(*place);
    *place = rule;
}

struct tls_table *
tls_table_new(const struct list_file *list)
{
    struct tls_table *table = xcalloc(1, sizeof(*table));

    table->rules = map_new(LIST_ENTRIES_MAX);
    for (size_t i = 0; i < list->count; i++)
        add(table, &list->entries[i]);
    return table;
}

void
tls_table_free(struct tls_table **tablep)
{
    if (*tablep == NULL)
        return;
    map_free(&(*tablep)->rules, rule_free);
    xfree(tablep);
}

const struct tls_rule *
tls_table_find(const struct tls_table *table, struct slice domain)
{
    const struct tls_rule *rule = map_get(table->rules, domain);

    for (size_t dot = slice_index(domain, '.'); rule == NULL && dot < domain.len;) {
        domain = slice_sub(domain, dot, domain.len);
        rule = map_get(table->rules, domain);
        dot = 1 + slice_index(slice_sub(domain, 1, domain.len), '.');
    }
    return rule;
}

bool
tls_table_verifies(const struct tls_table *table)
{
    return table->verifies;
}
