/*
 * lib/mail/template_set.c - the templates that there are. No I/O.
 */
#include "lib/mail/template_set.h"

#include "lib/mail/dsn.h"

static const char *const quota_values[] = {"used",     "percent",    "limit", "address",
                                           "hostname", "postmaster", NULL};
static const char *const disk_values[] = {"place", "free", "files", "hostname", NULL};
static const char *const auto_reply_values[] = {"address", "full_name", "until", "hostname", NULL};
static const char *const welcome_values[] = {"address", "full_name", "domain", "hostname", NULL};

static const char *const password_values[] = {"address",  "full_name",  "days", "date",
                                              "hostname", "postmaster", NULL};
static const char *const alert_values[] = {"alerts", "summary", "hostname", "postmaster", NULL};

static const char *const approval_values[] = {
    "approve_link", "refuse_link", "sender",   "recipients", "subject", "rule",
    "deadline",     "queue_id",    "hostname", "postmaster", NULL};
static const char *const approval_late_values[] = {"queue_id", "hostname", "postmaster", NULL};

const struct template_kind template_kinds[TEMPLATE_COUNT] = {
#define TEMPLATE(id, name, values, required) [id] = {#name ".txt", required, values},
#include "lib/mail/template_set.def"
#undef TEMPLATE
};

const char *const template_languages[] = {"en", "zh-CN", NULL};

static const char *const texts[][TEMPLATE_COUNT] = {
    {
#define TEMPLATE(id, name, values, required) [id] = template_en_##name,
#include "lib/mail/template_set.def"
#undef TEMPLATE
    },
    {
#define TEMPLATE(id, name, values, required) [id] = template_zh_CN_##name,
#include "lib/mail/template_set.def"
#undef TEMPLATE
    },
};

/* Position in template_languages; -1: not shipped. */
static int
find_language(const char *language)
{
    for (int i = 0; template_languages[i] != NULL; i++)
        if (strcmp(template_languages[i], language) == 0)
            return i;
    return -1;
}

bool
template_language_is_shipped(const char *language)
{
    return find_language(language) >= 0;
}

const char *
template_built_in(const char *language, enum template_id id)
{
    int found = find_language(language);

    return texts[found < 0 ? 0 : found][id];
}

int
template_find(const char *file)
{
    for (int id = 0; id < TEMPLATE_COUNT; id++)
        if (strcmp(template_kinds[id].file, file) == 0)
            return id;
    return -1;
}
