/*
 * posthorn/explain.c - the steps of an explanation: what they need, and how they are told.
 */
#include "posthorn/explain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/conf/lists.h"
#include "lib/ipc/dnsd.h"
#include "lib/ipc/keyd.h"
#include "lib/ipc/stsd.h"

enum { DETAIL_MAX = 131072, ERRORS_MAX = 65536, CONNECT_MS = 5000 };

/* ---- what decides ---- */

int
explain_rules_load(struct explain_rules *rules, const struct cli *cli, const struct conf *conf,
                   const struct instance *inst)
{
    struct strbuf errors = strbuf_new(ERRORS_MAX);
    int rc = CLI_OK;

    *rules =
        (struct explain_rules){.conf = conf, .inst = inst, .citer = conf_citer_new(conf, inst)};
    reception_load(&rules->reception, "posthorn", conf, inst);
    for (int i = 0; i < SMTP_PORTS; i++) {
        rules->allow[i] = networks_of(conf, smtp_ports[i].allow);
        rules->deny[i] = networks_of(conf, smtp_ports[i].deny);
    }
    rules->approval =
        approval_rules_new(lists_load_or_exit("posthorn", conf, inst, QUEUE_APPROVAL_RULES));
    rules->odmr = odmr_table_new(lists_load_or_exit("posthorn", conf, inst, QUEUE_ODMR_DOMAINS));
    rules->monitoring = monitor_rules_load(inst->etc, &errors);
    if (rules->monitoring == NULL || archive_conf_read(conf, &rules->archive, &errors) < 0)
        rc = cli_fail(cli, "%s", strbuf_cstr(&errors));
    strbuf_free(&errors);
    return rc;
}

/* ---- who is asked ---- */

int
explain_servers_open(struct explain_servers *servers, const struct cli *cli)
{
    int dirfd = open(cli->inst.run, O_PATH | O_DIRECTORY | O_CLOEXEC);

    *servers = (struct explain_servers){
        .run_dirfd = dirfd,
        .accountd = ipc_client_new(dirfd, ACCOUNTD_SOCKET, ACCOUNTD_PAYLOAD_MAX),
        .dnsd = ipc_client_new(dirfd, DNSD_SOCKET, DNSD_PAYLOAD_MAX),
        .stsd = ipc_client_new(dirfd, STSD_SOCKET, STSD_PAYLOAD_MAX),
        .keyd = ipc_client_new(dirfd, KEYD_SOCKET, KEYD_PAYLOAD_MAX),
    };
    if (dirfd < 0 || ipc_client_connect(servers->accountd, CONNECT_MS) < 0)
        return cli_fail(cli, "accountd: %s; is the suite running?", strerror(errno));
    return CLI_OK;
}

void
explain_servers_close(struct explain_servers *servers)
{
    ipc_client_free(&servers->accountd);
    ipc_client_free(&servers->dnsd);
    ipc_client_free(&servers->stsd);
    ipc_client_free(&servers->keyd);
    close_keep_errno(servers->run_dirfd);
}

/* ---- telling ---- */

void
explain_say(struct explain *x, const char *step, const char *verdict, enum conf_id setting,
            unsigned line, const char *format, ...)
{
    struct strbuf detail = strbuf_new(DETAIL_MAX);
    va_list args;

    va_start(args, format);
    (void)strbuf_vprintf(&detail, format, args);
    va_end(args);
    explain_say_rule(x, step, verdict, conf_decider(setting), line, strbuf_slice(&detail));
    strbuf_free(&detail);
}

void
explain_say_rule(struct explain *x, const char *step, const char *verdict, const char *file,
                 unsigned line, struct slice detail)
{
    x->tell(x->arg, &(struct explain_step){step, verdict, detail,
                                           conf_cite(x->rules->citer, slice_of(file), line)});
}

int
explain_run(struct explain *x)
{
    x->is_taken = explain_reception(x) && x->mail->to.len > 0;
    return x->is_taken ? explain_delivery(x) : CLI_OK;
}
