<?php
// Makes a mailbox, gives it a quota, counts what is in it, lists the mailboxes of its domain, and removes it again.
//   php sample.php HOST PORT CERTIFICATES ADMINISTRATOR DOMAIN <password

class Posthorn
{
    private string $token = '';

    public function __construct(private string $url, private string $certificates)
    {
    }

    public function call(string $name, array $parameters): array
    {
        $header = "Content-Type: application/json\r\n";
        if ($this->token !== '') {
            $header .= "Authorization: Bearer {$this->token}\r\n";
        }
        $body = json_encode((object) $parameters, JSON_THROW_ON_ERROR);
        $context = stream_context_create([
            'http' => ['method' => 'POST', 'header' => $header . "Connection: close\r\n", 'content' => $body,
                       'protocol_version' => 1.1, 'ignore_errors' => true],
            'ssl' => ['cafile' => $this->certificates],
        ]);
        $text = file_get_contents("{$this->url}/api/{$name}", false, $context);
        if ($text === false) {
            throw new RuntimeException("{$name}: no answer");
        }
        $answer = json_decode($text, true, 512, JSON_THROW_ON_ERROR);
        if ($answer['result'] !== 0) {
            throw new RuntimeException("{$name}: {$answer['text']}");
        }
        return $answer;
    }

    public function login(string $name, string $password): void
    {
        $this->token = $this->call('Login', ['name' => $name, 'password' => $password])['token'];
    }
}

if ($argc !== 6) {
    fwrite(STDERR, "usage: php sample.php HOST PORT CERTIFICATES ADMINISTRATOR DOMAIN <password\n");
    exit(2);
}
[, $host, $port, $certificates, $admin, $domain] = $argv;
$server = new Posthorn("https://{$host}:{$port}", $certificates);
$server->login($admin, rtrim(fgets(STDIN), "\n"));
$server->call('AddUser', ['user' => 'sample', 'domain' => $domain, 'password' => 'One-good-2nd-word']);
$server->call('ModifyUserQuota', ['user' => 'sample', 'domain' => $domain, 'bytes' => 10000000]);
$password = 'One-good-2nd-word';
$counts = $server->call('GetFolderMsgCount', ['user' => 'sample', 'domain' => $domain, 'password' => $password, 'folders' => 'inbox|sent']);
echo "new/total: {$counts['counts']}\n";
foreach ($server->call('List', ['kind' => 'user', 'within' => $domain, 'sort' => 'address'])['objects'] as $user) {
    echo "{$user['address']} {$user['quota_bytes']}\n";
}
$server->call('DeleteUser', ['user' => 'sample', 'domain' => $domain]);
$server->call('Logout', []);
