"""A mail account in Thunderbird: what its folder tree, its message list and its compose window call."""
from thunderbird import Thunderbird

COMMON = """
    const {MailServices} = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
    const {setTimeout} = ChromeUtils.importESModule("resource://gre/modules/Timer.sys.mjs");
    const server = MailServices.accounts.allServers.find(s => s.type == "imap");
    const fails = code => new Error("0x" + code.toString(16));
    const qi = (...names) => ChromeUtils.generateQI(names);
    /* An order of the client's that ends by telling a listener. */
    const url = run => new Promise((good, bad) => run({QueryInterface: qi("nsIUrlListener"), OnStartRunningUrl() {},
      OnStopRunningUrl(url, code) { Components.isSuccessCode(code) ? good() : bad(fails(code)); }}));
    const copied = run => new Promise((good, bad) => run({QueryInterface: qi("nsIMsgCopyServiceListener"), onStartCopy() {},
      onProgress() {}, setMessageKey() {}, getMessageId() { return null; },
      onStopCopy(code) { Components.isSuccessCode(code) ? good() : bad(fails(code)); }}));
    const until = async (what, test) => {
      for (let end = Date.now() + 20000, value; ; await new Promise(wake => setTimeout(wake, 20))) {
        if ((value = test())) return value;
        if (Date.now() > end) throw new Error("not in time: " + what);
      }
    };
    /* Has the folder looked at, as a click on it does; it may be busy with what was asked before. */
    const update = async name => {
      for (let tries = 0; ; tries++) {
        try {
          return folder(name).updateFolder(null);
        } catch (error) {
          if (tries == 100) throw error;
          await new Promise(wake => setTimeout(wake, 50));
        }
      }
    };
    const all = () => server.rootFolder.descendants;
    const path = folder => folder.QueryInterface(Ci.nsIMsgImapMailFolder).onlineName;
    const folder = name => {
      const found = all().find(f => path(f) == name);
      if (!found) throw new Error("no folder " + name + " among " + all().map(path));
      return found.QueryInterface(Ci.nsIMsgImapMailFolder);
    };
    const message = (name, subject) => {
      const found = [...folder(name).messages].find(m => m.mime2DecodedSubject == subject);
      if (!found) throw new Error("no message " + subject + " in " + name);
      return found;
    };
    const shown = m => ({subject: m.mime2DecodedSubject, author: m.mime2DecodedAuthor, uid: m.messageKey, read: m.isRead,
      flagged: m.isFlagged, replied: !!(m.flags & Ci.nsMsgMessageFlags.Replied), size: m.messageSize,
      keywords: m.getStringProperty("keywords"), id: m.messageId});
"""
ACCOUNT = COMMON + """
    const [user, password, name, imap, socket, smtp] = args;
    const remember = async origin => {
      const login = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
      login.init(origin, null, origin, user, password, "", "");
      await Services.logins.addLoginAsync(login);
    };
    await remember("imap://127.0.0.1");
    await remember("smtp://127.0.0.1");
    const incoming = MailServices.accounts.createIncomingServer(user, "127.0.0.1", "imap");
    incoming.port = imap;
    incoming.socketType = Ci.nsMsgSocketType[socket];
    incoming.authMethod = Ci.nsMsgAuthMethod.passwordCleartext;
    const outgoing = MailServices.outgoingServer.createServer("smtp").QueryInterface(Ci.nsISmtpServer);
    outgoing.hostname = "127.0.0.1";
    outgoing.port = smtp;
    outgoing.socketType = Ci.nsMsgSocketType.alwaysSTARTTLS;
    outgoing.authMethod = Ci.nsMsgAuthMethod.passwordCleartext;
    outgoing.username = user;
    const identity = MailServices.accounts.createIdentity();
    identity.email = user;
    identity.fullName = name;
    identity.smtpServerKey = outgoing.key;
    const account = MailServices.accounts.createAccount();
    account.incomingServer = incoming;
    account.addIdentity(identity);
    MailServices.accounts.defaultAccount = account;
    incoming.performExpand(null);
    return account.key;
"""
BODY = COMMON + """
    const [name, subject] = args, found = message(name, subject), uri = folder(name).getUriForMsg(found);
    const parts = [];
    await new Promise((good, bad) => MailServices.messageServiceFromURI(uri).streamMessage(uri, {
      QueryInterface: qi("nsIStreamListener", "nsIRequestObserver"),
      onStartRequest() {},
      onDataAvailable(request, stream, offset, count) {
        const binary = Cc["@mozilla.org/binaryinputstream;1"].createInstance(Ci.nsIBinaryInputStream);
        binary.setInputStream(stream);
        parts.push(binary.readBytes(count));
      },
      onStopRequest(request, code) { Components.isSuccessCode(code) ? good() : bad(fails(code)); }}, null, null, false, ""));
    return parts.join("");
"""
SEND = COMMON + """
    const [to, subject, body, files] = args;
    const account = MailServices.accounts.defaultAccount;
    const fields = Cc["@mozilla.org/messengercompose/composefields;1"].createInstance(Ci.nsIMsgCompFields);
    fields.from = account.defaultIdentity.fullAddress;
    fields.to = to;
    fields.subject = subject;
    for (const [name, url] of files) {
      const attachment = Cc["@mozilla.org/messengercompose/attachment;1"].createInstance(Ci.nsIMsgAttachment);
      attachment.name = name;
      attachment.url = url;
      fields.addAttachment(attachment);
    }
    const send = Cc["@mozilla.org/messengercompose/send;1"].createInstance(Ci.nsIMsgSend);
    await new Promise((good, bad) => send.createAndSendMessage(null, account.defaultIdentity, account.key, fields, false, false,
      Ci.nsIMsgSend.nsMsgDeliverNow, null, "text/plain", body, null, null, {
        QueryInterface: qi("nsIMsgSendListener", "nsIMsgCopyServiceListener"),
        onStartSending() {}, onProgress() {}, onSendProgress() {}, onStatus() {}, onGetDraftFolderURI() {}, onSendNotPerformed() {},
        onStartCopy() {}, setMessageKey() {}, getMessageId() { return null; }, onTransportSecurityError(id, status) { bad(fails(status)); },
        onStopSending(id, code) { if (!Components.isSuccessCode(code)) bad(fails(code)); },
        onStopCopy(code) { Components.isSuccessCode(code) ? good() : bad(fails(code)); }}, "", "", Ci.nsIMsgCompType.New));
"""
SEARCH = COMMON + """
    const [name, attribute, text] = args, found = [];
    const session = Cc["@mozilla.org/messenger/searchSession;1"].createInstance(Ci.nsIMsgSearchSession);
    session.addScopeTerm(Ci.nsMsgSearchScope.onlineMail, folder(name));
    const term = session.createTerm(), value = term.value;
    term.attrib = value.attrib = Ci.nsMsgSearchAttrib[attribute];
    term.op = Ci.nsMsgSearchOp.Contains;
    value.str = text;
    term.value = value;
    session.appendTerm(term);
    await new Promise((good, bad) => {
      session.registerListener({QueryInterface: qi("nsIMsgSearchNotify"), onNewSearch() {},
        onSearchHit(m) { found.push(m.mime2DecodedSubject); },
        onSearchDone(code) { Components.isSuccessCode(code) ? good() : bad(fails(code)); }});
      session.search(null);
    });
    return found.sort();
"""


class MailProgram(Thunderbird):
    def account(self, user, password, name, imap, smtp, socket="SSL"):
        self.run(ACCOUNT, user, password, name, imap, socket, smtp)
        self.run(COMMON + 'await until("INBOX", () => all().some(f => path(f) == "INBOX"));')
        self.update("INBOX")
        # what is sent before the server's folders are known goes, and waits for its place in Sent for ever
        self.run(COMMON + 'await until("Sent", () => all().some(f => f.flags & Ci.nsMsgFolderFlags.SentMail));')

    def update(self, name):
        """Ends before the news are there: what waits for them says what it waits for."""
        self.run(COMMON + "await update(args[0]);", name)

    def folders(self):
        return self.run(COMMON + "return all().map(path).sort();")

    def flags(self, name):
        """The special use of a folder, as the tree shows it by an icon."""
        return self.run(COMMON + """
            const kinds = ["Inbox", "SentMail", "Drafts", "Trash", "Junk", "Archive", "Templates"], flags = folder(args[0]).flags;
            return kinds.filter(kind => flags & Ci.nsMsgFolderFlags[kind]);
        """, name)

    def messages(self, name):
        return self.run(COMMON + "return [...folder(args[0]).messages].map(shown);", name)

    def wait_for_message(self, name, subject, test="true"):
        """Until the list shows it without being asked for: `test` looks at the message m."""
        return self.run(COMMON + f"""
            return shown(await until("message", () => [...folder(args[0]).messages].find(m => m.mime2DecodedSubject == args[1] && ({test}))));
        """, name, subject)

    def wait_for_subjects(self, name, subjects):
        """Until the folder has just these."""
        self.run(COMMON + """
            const [name, wanted] = args, given = () => [...folder(name).messages].map(m => m.mime2DecodedSubject).sort();
            await update(name);
            try {
              await until("messages", () => JSON.stringify(given()) == JSON.stringify(wanted));
            } catch (error) {
              throw new Error(error + ": there are " + given());
            }
        """, name, sorted(subjects))

    def wait_until_gone(self, name, subject):
        self.run(COMMON + """
            await until("no message", () => ![...folder(args[0]).messages].some(m => m.mime2DecodedSubject == args[1]));
        """, name, subject)

    def body(self, name, subject):
        return self.run(BODY, name, subject).encode("latin-1")

    def mark(self, name, subject, what, *given):
        """`what`: markMessagesRead, markMessagesFlagged, addKeywordsToMessages, removeKeywordsFromMessages."""
        self.run(COMMON + "const [name, subject, what, ...given] = args; folder(name)[what]([message(name, subject)], ...given);",
                 name, subject, what, *given)

    def copy(self, source, subject, target, move):
        self.run(COMMON + """
            const [source, subject, target, move] = args;
            await copied(listener => MailServices.copy.copyMessages(folder(source), [message(source, subject)], folder(target), move,
                                                                    listener, null, false));
        """, source, subject, target, move)

    def delete(self, name, subject):
        self.run(COMMON + """
            const [name, subject] = args;
            await copied(listener => folder(name).deleteMessages([message(name, subject)], null, false, true, listener, false));
        """, name, subject)

    def compact(self, name):
        self.run(COMMON + "await url(listener => folder(args[0]).compact(listener, null));", name)

    def create_folder(self, parent, name):
        self.run(COMMON + """
            const [parent, name] = args, wanted = parent ? parent + "/" + name : name;
            (parent ? folder(parent) : server.rootFolder).createSubfolder(name, null);
            await until("the folder", () => all().some(f => path(f) == wanted));
        """, parent, name)

    def rename_folder(self, name, new):
        self.run(COMMON + """
            const [name, to] = args, wanted = name.split("/").slice(0, -1).concat(to).join("/");
            folder(name).rename(to, null);
            await until("the new name", () => all().some(f => path(f) == wanted));
        """, name, new)

    def delete_folder(self, name):
        self.run(COMMON + """
            folder(args[0]).deleteSelf(null);
            await until("the folder goes", () => !all().some(f => path(f) == args[0]));
        """, name)

    def send(self, to, subject, body, *files):
        """`files`: a name and a URL for each."""
        self.run(SEND, to, subject, body, files)

    def search(self, name, attribute, text):
        return self.run(SEARCH, name, attribute, text)
