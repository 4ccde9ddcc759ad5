/*
 * imapd/server.c - settings and counters, taken once before any session.
 */
#include "imapd/server.h"

#include <ctype.h>
#include <string.h>

#include "imapd/filters.h"
#include "lib/base/parse.h"
#include "lib/log/log.h"
#include "lib/mail/mime.h"

#define ADMIN_ENTRY "/shared/admin" /* its value is a URI (RFC 5464 section 6.2.2) */

static int64_t
milliseconds(const struct conf *conf, enum conf_id id)
{
    return (int64_t)conf_u64(conf, id); /* the table's range is far below INT64_MAX */
}

void
server_load_settings(struct settings *settings, const struct conf *conf)
{
    const char *banner = conf_str(conf, SYSTEM_BANNER);
    const struct mime_limits limits = {
        .depth = (uint32_t)conf_u64(conf, IMAP_MIME_MAX_DEPTH),
        .parts = (uint32_t)conf_u64(conf, IMAP_MIME_MAX_PARTS),
        .header = (size_t)conf_u64(conf, IMAP_MIME_MAX_HEADER),
    };

    mime_set_limits(&limits);
    *settings = (struct settings){
        .banner = banner[0] == '\0' ? "Posthorn" : banner,
        .is_anonymous = banner[0] != '\0',
        .plain_on_loopback = conf_bool(conf, AUTH_PLAIN_ON_LOOPBACK),
        .unauthenticate = conf_bool(conf, IMAP_UNAUTHENTICATE),
        .utf8_accept = conf_bool(conf, IMAP_UTF8_ACCEPT),
        .mechanisms = mechanisms_new(conf),
        .command_max = (size_t)conf_u64(conf, IMAP_MAX_COMMAND),
        .literal_minus = strcmp(conf_str(conf, IMAP_LITERALS), "minus") == 0,
        .append_max = conf_u64(conf, IMAP_MAX_APPEND),
        .message_limit = (uint32_t)conf_u64(conf, IMAP_MESSAGE_LIMIT),
        .save_limit = (uint32_t)conf_u64(conf, IMAP_SAVE_LIMIT),
        .errors_max = (unsigned)conf_u64(conf, IMAP_MAX_ERRORS),
        .login_timeout_ms = milliseconds(conf, IMAP_LOGIN_TIMEOUT),
        .autologout_ms = milliseconds(conf, IMAP_AUTOLOGOUT),
        .transfer_timeout_ms = milliseconds(conf, IMAP_TRANSFER_TIMEOUT),
        .flush_interval_ms = milliseconds(conf, STORE_FLUSH_INTERVAL),
        .undelete_days = (uint32_t)conf_u64(conf, STORE_UNDELETE_DAYS),
        .notify_max = (uint32_t)conf_u64(conf, IMAP_NOTIFY_MAX),
        .metadata_size_max = (size_t)conf_u64(conf, IMAP_METADATA_MAX_SIZE),
        .metadata_entries_max = (size_t)conf_u64(conf, IMAP_METADATA_MAX_ENTRIES),
        .metadata_total_max = conf_u64(conf, IMAP_METADATA_MAX_TOTAL),
        .fulltext = conf_bool(conf, IMAP_FULLTEXT),
    };
    disk_limits_load(&settings->disk, conf);
}

/* RFC 3986 section 3: a scheme and what it needs. */
static bool
is_uri(struct slice text)
{
    const struct slice marks = SLICE("+-.");
    size_t colon = slice_index(text, ':');

    for (size_t i = 0; i < colon; i++)
        if (!isalpha((unsigned char)text.ptr[i]) &&
            (i == 0 || (!isdigit((unsigned char)text.ptr[i]) &&
                        slice_index(marks, text.ptr[i]) == marks.len)))
            return false;
    return colon > 0 && colon + 1 < text.len && parse_is_ascii_print(text) &&
           slice_index(text, ' ') == text.len;
}

static void
take_setting(struct annotation_set *annotations, const char *entry, struct slice value)
{
    if (value.len == 0)
        return;
    if (strcmp(entry, ADMIN_ENTRY) == 0 && !is_uri(value))
        log_event(LOG_ERROR, "metadata_wrong", KV_STR("setting", "imap.metadata_admin"),
                  KV_STR("expected", "a URI"), KV_SLICE("value", value));
    else
        annotation_set_put(annotations, slice_of(entry), value, 1);
}

void
server_make_annotations(struct server *server, const struct conf *conf)
{
    static const struct {
        enum conf_id id;
        const char *entry;
    } rows[] = {{IMAP_METADATA_COMMENT, "/shared/comment"}, /* RFC 5464 section 6.2 */
                {IMAP_METADATA_ADMIN, ADMIN_ENTRY}};

    server->annotations = (struct annotation_set){.count = 0};
    server->arena = (struct arena){NULL};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        take_setting(&server->annotations, rows[i].entry, slice_of(conf_str(conf, rows[i].id)));
    filters_take_shared(server, slice_of(conf_str(conf, IMAP_SHARED_FILTERS)));
}

void
server_make_counters(struct counters *counters, struct stats *stats)
{
    *counters = (struct counters){
        .logins = stats_counter(stats, "logins"),
        .login_failures = stats_counter(stats, "login_failures"),
        .commands = stats_counter(stats, "commands"),
        .messages_fetched = stats_counter(stats, "messages_fetched"),
        .messages_appended = stats_counter(stats, "messages_appended"),
        .sessions_reading = stats_counter(stats, "sessions_reading"),
    };
}
