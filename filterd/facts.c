/*
 * filterd/facts.c - keeps what is known of a session.
 */
#include "filterd/facts.h"

#include <stdio.h>

void
facts_set_connect(struct facts *facts, const struct filterd_connect *connect)
{
    facts->connect = *connect;
    facts->connect.session_id = arena_copy(&facts->session, connect->session_id);
    facts->connect.client_ip = arena_copy(&facts->session, connect->client_ip);
    facts->connect.local_ip = arena_copy(&facts->session, connect->local_ip);
    facts->client_name = facts->reverse_name = SLICE("unknown");
}

void
facts_set_helo(struct facts *facts, const struct filterd_helo *helo)
{
    arena_free(&facts->hello);
    facts->helo = *helo;
    facts->helo.name = arena_copy(&facts->hello, helo->name);
    facts->helo.tls_version = arena_copy(&facts->hello, helo->tls_version);
    facts->helo.tls_cipher = arena_copy(&facts->hello, helo->tls_cipher);
}

void
facts_set_mail(struct facts *facts, const struct filterd_mail *mail)
{
    static unsigned long long transactions;

    facts_end_transaction(facts);
    facts->mail = *mail;
    facts->mail.sender = arena_copy(&facts->transaction, mail->sender);
    facts->mail.params = arena_copy(&facts->transaction, mail->params);
    facts->mail.auth_user = arena_copy(&facts->transaction, mail->auth_user);
    facts->mail.auth_method = arena_copy(&facts->transaction, mail->auth_method);
    (void)snprintf(facts->instance, sizeof(facts->instance), "%.*s.%llu",
                   (int)slice_sub(facts->connect.session_id, 0, 20).len,
                   facts->connect.session_id.ptr, ++transactions);
}

void
facts_set_rcpt(struct facts *facts, const struct filterd_rcpt *rcpt)
{
    arena_free(&facts->command);
    facts->rcpt = *rcpt;
    facts->rcpt.address = arena_copy(&facts->command, rcpt->address);
    facts->rcpt.params = arena_copy(&facts->command, rcpt->params);
    facts->rcpt.dsn = arena_copy(&facts->command, rcpt->dsn);
    facts->rcpt.text = arena_copy(&facts->command, rcpt->text);
}

void
facts_accept_rcpt(struct facts *facts)
{
    if (facts->rcpt_count++ == 0)
        facts->first_rcpt = arena_copy(&facts->transaction, facts->rcpt.address);
}

void
facts_set_content(struct facts *facts, const struct filterd_content *content)
{
    facts->content = *content;
    facts->content.queue_id = arena_copy(&facts->transaction, content->queue_id);
}

void
facts_set_unknown(struct facts *facts, struct slice line)
{
    arena_free(&facts->command);
    facts->rcpt = (struct filterd_rcpt){0};
    facts->unknown = arena_copy(&facts->command, line);
}

void
facts_end_transaction(struct facts *facts)
{
    facts->mail = (struct filterd_mail){0};
    facts->rcpt = (struct filterd_rcpt){0};
    facts->content = (struct filterd_content){0};
    facts->unknown = facts->first_rcpt = SLICE("");
    facts->rcpt_count = 0;
    arena_free(&facts->transaction);
    arena_free(&facts->command);
}

void
facts_free(struct facts *facts)
{
    facts_end_transaction(facts);
    arena_free(&facts->hello);
    arena_free(&facts->session);
}
