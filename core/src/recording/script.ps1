# {{DESCRIPTION}}.
#
# Records with wpr, without a key press, and stops by itself: when the {{POOL_NAME}} is large enough, has grown enough, or after a time.
# Copy this one file to the machine; it carries the profile in itself. Run it in a PowerShell that runs as administrator:
#
#     powershell -NoProfile -ExecutionPolicy Bypass -File THIS_FILE.ps1
#
# Written by poolscope. Ctrl+C ends it and throws the recording away.
param(
    # Where the trace is saved.
    [string]$OutFolder = {{FOLDER}},
    # What its name begins with; date and time follow.
    [string]$BaseName = {{BASE}},
    # Stop when the pool holds as many bytes; 0 for never.
    [long]$StopAtBytes = {{AT_BYTES}},
    # Stop when the pool has grown by as many bytes since the start; 0 for never.
    [long]$StopAtGrowthBytes = {{GROWTH_BYTES}},
    # Stop after as many seconds in any case.
    [int]$StopAfterSeconds = {{SECONDS}},
    # Seconds between two looks at the pool.
    [int]$PollSeconds = {{POLL}},
    # Stop when a disk has less room than this.
    [long]$KeepFreeBytes = {{KEEP_FREE}}
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

# The profile, as text between quotes in which PowerShell replaces nothing.
$ProfileText = @'
{{PROFILE}}
'@

function Test-Elevated {
    $identity = [Security.Principal.WindowsIdentity]::GetCurrent()
    $principal = New-Object Security.Principal.WindowsPrincipal($identity)
    return $principal.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)
}

# The counter's class and property have the same names on every Windows. Get-Counter takes the path of a counter, such as
# \Memory\Pool Nonpaged Bytes, in the language of the system only, and fails on any other.
function Get-PoolBytes {
    $memory = Get-CimInstance -ClassName Win32_PerfRawData_PerfOS_Memory
    return [long]$memory.{{POOL}}
}

function Get-FreeBytes {
    $free = [long]::MaxValue
    foreach ($path in @($OutFolder, $env:TEMP)) {
        $root = [IO.Path]::GetPathRoot([IO.Path]::GetFullPath($path))
        # A share has no drive letter, and no DriveInfo.
        if ($root -match '^[A-Za-z]:') {
            $drive = New-Object IO.DriveInfo($root)
            $free = [Math]::Min($free, $drive.AvailableFreeSpace)
        }
    }
    return $free
}

function Invoke-Wpr([string[]]$Arguments) {
    & $script:Wpr @Arguments | Out-Host
    if ($LASTEXITCODE -ne 0) {
        throw ('wpr {0} failed with code 0x{1:X8}' -f $Arguments[0], $LASTEXITCODE)
    }
}

if (-not (Test-Elevated)) {
    throw 'Recording needs the rights of an administrator: start PowerShell with "Run as administrator" and run this again.'
}
$found = Get-Command -Name wpr.exe -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1
if (-not $found) {
    throw 'wpr.exe is not here. It is part of Windows 10 and later; for older systems install the Windows Performance Toolkit.'
}
$script:Wpr = $found.Definition
if (-not $OutFolder) {
    $OutFolder = (Get-Location).ProviderPath
}
if (-not (Test-Path -LiteralPath $OutFolder)) {
    New-Item -ItemType Directory -Path $OutFolder | Out-Null
}
$OutFolder = (Resolve-Path -LiteralPath $OutFolder).ProviderPath

$first = Get-PoolBytes
if ($StopAtBytes -gt 0 -and $first -ge $StopAtBytes) {
    throw ('The {{POOL_NAME}} holds {0:N0} bytes already, {1:N0} were to be waited for: give -StopAtGrowthBytes instead.' -f $first, $StopAtBytes)
}

$profileFile = Join-Path ([IO.Path]::GetTempPath()) ('poolscope-{0}.wprp' -f $PID)
$recording = $false
try {
    Set-Content -LiteralPath $profileFile -Value $ProfileText -Encoding ASCII
    Invoke-Wpr @('-start', ($profileFile + '!{{PROFILE_NAME}}'){{FILE_MODE}})
    $recording = $true
    $watch = [Diagnostics.Stopwatch]::StartNew()
    $reason = ''
    while (-not $reason) {
        Start-Sleep -Seconds $PollSeconds
        $now = Get-PoolBytes
        $grown = $now - $first
        Write-Host ('{0}  {{POOL_NAME}} {1:N0} bytes, {2:+#,0;-#,0;0} since the start' -f (Get-Date -Format 'HH:mm:ss'), $now, $grown)
        if ($StopAtBytes -gt 0 -and $now -ge $StopAtBytes) {
            $reason = 'the pool is large enough'
        } elseif ($StopAtGrowthBytes -gt 0 -and $grown -ge $StopAtGrowthBytes) {
            $reason = 'the pool has grown enough'
        } elseif ($watch.Elapsed.TotalSeconds -ge $StopAfterSeconds) {
            $reason = 'the time is over'
        } elseif ((Get-FreeBytes) -lt $KeepFreeBytes) {
            $reason = 'the disk is almost full'
        }
    }
    Write-Host ('Stopping: {0}. Lost events below have to be 0.' -f $reason)
    Invoke-Wpr @('-status')
    $trace = Join-Path $OutFolder ('{0}-{1}.etl' -f $BaseName, (Get-Date -Format 'yyyyMMdd-HHmmss'))
    Invoke-Wpr @('-stop', $trace)
    $recording = $false
    Write-Host ('Saved: {0}' -f $trace)
} finally {
    if ($recording) {
        Write-Host 'Cancelling the recording.'
        # After Ctrl+C nothing can be passed on any more.
        $null = & $script:Wpr -cancel
    }
    Remove-Item -LiteralPath $profileFile -Force -ErrorAction SilentlyContinue
}
