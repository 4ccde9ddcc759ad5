/*
 * lib/conf/odmr_table.c - the domains whose mail is fetched, and by whom.
 *
 * Input: a list file, written by the administrator, checked by odmr_line_expected. No I/O.
 */
#include "lib/conf/odmr_table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/mail/address.h"

static struct slice
take_word(struct slice *rest)
{
    struct slice word;
    size_t end = 0;

    while (end < rest->len && rest->ptr[end] != ' ' && rest->ptr[end] != '\t')
        end++;
    word = slice_sub(*rest, 0, end);
    *rest = slice_trim(slice_sub(*rest, end, rest->len));
    return word;
}

const char *
odmr_line_expected(struct slice entry)
{
    struct address address;

    if (!address_is_domain(take_word(&entry), true))
        return "DOMAIN USER..., the first word a domain such as branch.example";
    do {
        if (address_parse(take_word(&entry), ADDRESS_UTF8, &address) != ADDRESS_OK)
            return "DOMAIN USER..., addresses such as alice@example.org behind the domain";
    } while (entry.len > 0);
    return NULL;
}

static char *
lower(struct slice text)
{
    char *copy = xslicedup(text);

    for (char *p = copy; *p != '\0'; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p | 0x20);
    return copy;
}

static int
compare(const void *a, const void *b)
{
    const struct odmr_domain *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    return order != 0 ? order : x->line < y->line ? -1 : x->line > y->line;
}

static int
compare_name(const void *name, const void *domain)
{
    return strcmp(name, ((const struct odmr_domain *)domain)->name);
}

static void
take_line(struct odmr_domain *d, const struct list_entry *entry)
{
    struct slice rest = entry->text;

    *d = (struct odmr_domain){.name = lower(take_word(&rest)), .line = entry->line};
    while (rest.len > 0) {
        d->users = xreallocarray(d->users, d->user_count + 1, sizeof(*d->users));
        d->users[d->user_count++] = xslicedup(take_word(&rest));
    }
}

/* The users of a second line of the same domain. */
static void
add_users(struct odmr_domain *to, struct odmr_domain *from)
{
    to->users = xreallocarray(to->users, to->user_count + from->user_count, sizeof(*to->users));
    memcpy(to->users + to->user_count, from->users, from->user_count * sizeof(*to->users));
    to->user_count += from->user_count;
    free(from->users);
    free(from->name);
}

static void
join(struct odmr_table *table)
{
    size_t kept = 0;

    for (size_t i = 1; i < table->count; i++) {
        if (strcmp(table->domains[kept].name, table->domains[i].name) == 0)
            add_users(&table->domains[kept], &table->domains[i]);
        else
            table->domains[++kept] = table->domains[i];
    }
    table->count = kept + 1;
}

struct odmr_table *
odmr_table_new(struct list_file *list)
{
    struct odmr_table *table = NULL;

    if (list->count > 0) {
        table = xcalloc(1, sizeof(*table));
        table->count = list->count;
        table->domains = xcalloc(list->count, sizeof(*table->domains));
        for (size_t i = 0; i < list->count; i++)
            take_line(&table->domains[i], &list->entries[i]);
        qsort(table->domains, table->count, sizeof(*table->domains), compare);
        join(table);
    }
    list_file_free(&list);
    return table;
}

void
odmr_table_free(struct odmr_table **tablep)
{
    if (*tablep == NULL)
        return;
    for (size_t i = 0; i < (*tablep)->count; i++) {
        struct odmr_domain *d = &(*tablep)->domains[i];

        for (size_t u = 0; u < d->user_count; u++)
            free(d->users[u]);
        free(d->users);
        free(d->name);
    }
    free((*tablep)->domains);
    xfree(tablep);
}

const struct odmr_domain *
odmr_table_find(const struct odmr_table *table, struct slice domain)
{
    const struct odmr_domain *found;
    char *name;

    if (table == NULL)
        return NULL;
    name = lower(domain);
    found = bsearch(name, table->domains, table->count, sizeof(*table->domains), compare_name);
    free(name);
    return found;
}

bool
odmr_domain_is_of(const struct odmr_domain *domain, struct slice user)
{
    for (size_t i = 0; i < domain->user_count; i++)
        if (slice_eq_nocase(slice_of(domain->users[i]), user))
            return true;
    return false;
}
