<#
.SYNOPSIS
Installs hrfeed, and a task that imports one feed every night.

.DESCRIPTION
Copies hrfeed.exe to C:\Program Files\hrfeed, and the mapping to C:\ProgramData\hrfeed as
NAME.toml, where only administrators and the account of the task can read. Then registers the
task "hrfeed NAME" from hrfeed-task.xml. Run it again to change anything; the journal stays.

Secrets are files beside the mapping, which names them: api_key = { file = "secrets/kmi.key" }.
Name them with -SecretFile, and each is asked for without being shown. None is on a command
line, in the task, or in the history of PowerShell.

.PARAMETER Name
What the task, the mapping and the log are called: a word for the feed.

.PARAMETER Mapping
The mapping (TOML) that is copied. Files that it names besides the secrets, such as tables, are
copied by hand.

.PARAMETER Feed
The file, folder or pattern that is imported, or an address such as sftp://...

.PARAMETER SecretFile
Secrets to ask for, as the mapping names their files: secrets/kmi.key, secrets/kmi.secret

.PARAMETER At
When the task begins, every day.

.PARAMETER Credential
Another account than LOCAL SERVICE, such as one that can read a share: Get-Credential DOMAIN\hrfeed.
It needs the right to log on as a batch job.

.PARAMETER Program
The program that is copied. By default hrfeed.exe beside this script, or above it as in the
downloaded archive.

.PARAMETER Uninstall
Removes the task and the program. Mappings, secrets and the journal stay in C:\ProgramData\hrfeed.

.EXAMPLE
.\Install-Hrfeed.ps1 -Name acme -Mapping .\acme.toml -Feed D:\export\people.csv -SecretFile secrets/kmi.key, secrets/kmi.secret

.EXAMPLE
.\Install-Hrfeed.ps1 -Name acme -Uninstall
#>
#Requires -Version 5.1
#Requires -RunAsAdministrator
[CmdletBinding(DefaultParameterSetName = 'Install')]
param(
    [Parameter(Mandatory)]
    [ValidatePattern('^[A-Za-z0-9_-]+$')]
    [string] $Name,

    [Parameter(Mandatory, ParameterSetName = 'Install')]
    [ValidateScript({ Test-Path -LiteralPath $_ -PathType Leaf })]
    [string] $Mapping,

    [Parameter(Mandatory, ParameterSetName = 'Install')]
    [ValidatePattern('^[^"%\r\n]+$')]
    [string] $Feed,

    [Parameter(ParameterSetName = 'Install')]
    [ValidatePattern('^[A-Za-z0-9_.\-]+([\\/][A-Za-z0-9_.\-]+)*$')]
    [string[]] $SecretFile = @(),

    [Parameter(ParameterSetName = 'Install')]
    [datetime] $At = '02:15',

    [Parameter(ParameterSetName = 'Install')]
    [pscredential] $Credential,

    [Parameter(ParameterSetName = 'Install')]
    [string] $Program,

    [Parameter(Mandatory, ParameterSetName = 'Uninstall')]
    [switch] $Uninstall
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$task = "hrfeed $Name"
$programs = Join-Path $env:ProgramFiles 'hrfeed'
$data = Join-Path $env:ProgramData 'hrfeed'
$installed = Join-Path $programs 'hrfeed.exe'

function Find-Program {
    $places = @($Program, (Join-Path $PSScriptRoot 'hrfeed.exe'), (Join-Path $PSScriptRoot '..\..\hrfeed.exe'))
    foreach ($place in $places) {
        if ($place -and (Test-Path -LiteralPath $place -PathType Leaf)) {
            return (Resolve-Path -LiteralPath $place).Path
        }
    }
    throw 'hrfeed.exe is not beside this script: name it with -Program'
}

# For administrators, the system and the accounts of tasks alone: no rights come from above.
function Protect-Folder([string] $Folder, [System.Security.Principal.IdentityReference] $Account) {
    $system = New-Object System.Security.Principal.SecurityIdentifier 'S-1-5-18'
    $administrators = New-Object System.Security.Principal.SecurityIdentifier 'S-1-5-32-544'
    if (Test-Path -LiteralPath $Folder) {
        # Anybody may create folders in ProgramData, and who owns one can read all that is in it.
        $owner = (Get-Acl -LiteralPath $Folder).GetOwner([System.Security.Principal.SecurityIdentifier])
        if ($owner -ne $system -and $owner -ne $administrators) {
            throw "$Folder belongs to $owner, not to the administrators: move it away, and run this again"
        }
    } else {
        New-Item -ItemType Directory -Path $Folder | Out-Null
    }
    $rights = Get-Acl -LiteralPath $Folder
    $rights.SetOwner($administrators)
    $rights.SetAccessRuleProtection($true, $false)
    $inherit = [System.Security.AccessControl.InheritanceFlags] 'ContainerInherit, ObjectInherit'
    $none = [System.Security.AccessControl.PropagationFlags]::None
    $allow = [System.Security.AccessControl.AccessControlType]::Allow
    foreach ($grant in @(@($system, 'FullControl'), @($administrators, 'FullControl'), @($Account, 'Modify'))) {
        $rule = New-Object System.Security.AccessControl.FileSystemAccessRule $grant[0], $grant[1], $inherit, $none, $allow
        $rights.AddAccessRule($rule)
    }
    Set-Acl -LiteralPath $Folder -AclObject $rights
}

function Save-Secret([string] $Path, [securestring] $Secret) {
    $plain = (New-Object System.Net.NetworkCredential '', $Secret).Password
    if (-not $plain) { throw "$Path would be empty" }
    New-Item -ItemType Directory -Force -Path (Split-Path -Parent $Path) | Out-Null
    # Without a mark of the encoding and without an end of line.
    [System.IO.File]::WriteAllText($Path, $plain, (New-Object System.Text.UTF8Encoding $false))
}

if ($Uninstall) {
    Unregister-ScheduledTask -TaskName $task -Confirm:$false
    $others = @(Get-ScheduledTask -TaskName 'hrfeed *' -ErrorAction SilentlyContinue)
    if ($others.Count -eq 0 -and (Test-Path -LiteralPath $programs)) {
        Remove-Item -LiteralPath $programs -Recurse
    }
    Write-Output "Removed the task `"$task`". The journal and the mappings are still in $data."
    return
}

$account = if ($Credential) {
    (New-Object System.Security.Principal.NTAccount $Credential.UserName).Translate([System.Security.Principal.SecurityIdentifier])
} else {
    New-Object System.Security.Principal.SecurityIdentifier 'S-1-5-19'
}

New-Item -ItemType Directory -Force -Path $programs | Out-Null
Protect-Folder -Folder $data -Account $account
$source = Find-Program
if ($source -ne $installed) { Copy-Item -LiteralPath $source -Destination $installed -Force }

$ownMapping = Join-Path $data "$Name.toml"
$givenMapping = (Resolve-Path -LiteralPath $Mapping).Path
if ($givenMapping -ne $ownMapping) { Copy-Item -LiteralPath $givenMapping -Destination $ownMapping -Force }
foreach ($file in $SecretFile) {
    Save-Secret -Path (Join-Path $data $file) -Secret (Read-Host -AsSecureString -Prompt "The secret for $file")
}

$xml = New-Object System.Xml.XmlDocument
$xml.Load((Join-Path $PSScriptRoot 'hrfeed-task.xml'))
$journal = Join-Path $data 'journal.db'
$log = Join-Path $data "$Name.log"
$exec = $xml.Task.Actions.Exec
# cmd takes off the outer quotes, and its exit code is that of hrfeed.
$exec.Arguments = "/d /c `"`"$installed`" import `"$Feed`" --mapping `"$ownMapping`" --journal `"$journal`" " +
    "--wait 1h --deadline 4h --quiet --log-format json >> `"$log`" 2>&1`""
$exec.WorkingDirectory = $data
$xml.Task.Triggers.CalendarTrigger.StartBoundary = (Get-Date).Date.Add($At.TimeOfDay).ToString('s')
$registration = @{ TaskName = $task; Force = $true }
if ($Credential) {
    $principal = $xml.Task.Principals.Principal
    $principal.UserId = $account.Value
    $logon = $xml.CreateElement('LogonType', $xml.DocumentElement.NamespaceURI)
    $logon.InnerText = 'Password'
    $principal.InsertAfter($logon, $principal['UserId']) | Out-Null
    $registration.User = $Credential.UserName
    $registration.Password = $Credential.GetNetworkCredential().Password
}
# The text of the document has an encoding of its own, so it is handed over without the first line.
Register-ScheduledTask @registration -Xml $xml.DocumentElement.OuterXml | Out-Null

Write-Output "Registered the task `"$task`", every day at $($At.ToString('HH:mm')). What it needs:"
& $installed doctor --mapping $ownMapping --journal $journal
Write-Output "Start it now with: Start-ScheduledTask -TaskName `"$task`""
Write-Output "What fails is in $log; everything else: & `"$installed`" runs --journal `"$journal`""
