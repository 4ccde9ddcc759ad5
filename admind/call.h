/*
 * admind/call.h - one call of the API: parameters, what is asked of accountd, the answer in JSON.
 */
#ifndef POSTHORN_ADMIND_CALL_H
#define POSTHORN_ADMIND_CALL_H

#include "admind/session.h"
#include "lib/api/api_request.h"
#include "lib/base/json_writer.h"
#include "lib/ipc/accountd.h"

enum { CALL_AWAY = ACCOUNTD_AWAY };

struct call {
    struct session *session;
    struct api_request request;
    uint32_t result;
    struct strbuf text;      /* why, if result is not 0 */
    struct strbuf data;      /* further members of the answer */
    struct json_writer json; /* into `data` */
};

/* Runs it with the request's content as parameters; the whole answer goes into `json`. */
/* False: authd was away, and this connection has no other way to it. */
bool call_run(struct session *s, enum api_call_id id, struct strbuf *json);
/* An answer of result and text alone. */
void call_write_error(struct strbuf *json, uint32_t result, const char *text);

/* ---- for the functions of calls ---- */

__attribute__((format(printf, 3, 4))) void call_fail(struct call *call, uint32_t result,
                                                     const char *format, ...);
/* One operation of accountd. True: done, with the reply borrowed until the next one; else the
 * call's result and text say why not. */
bool call_ask(struct call *call, const struct accountd_admin *request,
              struct accountd_admin_reply *reply);
/* One object as JSON, typed by the properties of its kind. `key`: NULL within an array. */
void call_write_object(struct call *call, const char *key, enum account_kind kind,
                       const struct object_field *fields, uint32_t count);

/* The same for a kind of lib/oper/kinds.def. */
void call_write_oper(struct call *call, const char *key, enum oper_kind kind,
                     const struct object_field *fields, uint32_t count);
void call_write_number(struct json_writer *w, const char *key, struct slice value);
void call_write_list(struct json_writer *w, const char *key, struct slice words);

/* admind/call_user.c */
void call_user_status(struct call *call);
void call_user_recent(struct call *call);
void call_user_statistics(struct call *call);
/* admind/call_folders.c */
void call_folder_counts(struct call *call);

/* admind/call_account.c, admind/call_list.c, admind/call_system.c */
void call_account(struct call *call);
void call_list(struct call *call);
void call_system(struct call *call);
void call_system_information(struct call *call);
void call_db_path(struct call *call);

#endif
