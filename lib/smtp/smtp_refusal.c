/*
 * lib/smtp/smtp_refusal.c - refusals by settings. A table; no I/O.
 */
#include "lib/smtp/smtp_refusal.h"

#include "lib/base/mem.h"

static const struct refusal refusals[] = {
#define REFUSAL(id, setting, code, dsn, text) [id] = {code, dsn, text},
#include "lib/smtp/smtp_refusal.def"
#undef REFUSAL
};

static const enum conf_id settings[] = {
#define REFUSAL(id, setting, code, dsn, text) [id] = (setting),
#include "lib/smtp/smtp_refusal.def"
#undef REFUSAL
};

const struct refusal *
smtp_refusal(enum smtp_refusal which)
{
    return &refusals[which];
}

enum conf_id
smtp_refusal_setting(const struct refusal *why)
{
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
        if (why == &refusals[i])
            return settings[i];
    return CONF_NO_SETTING;
}
