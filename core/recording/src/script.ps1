# {{DESCRIPTION}}.
#
# Records with wpr, without a key press, and stops by itself: when the {{POOL_NAME}} is large enough, has grown enough, or after a time.
# Copy this one file to the machine; it carries the profile in itself. Run it in a PowerShell that runs as administrator:
#
#     powershell -NoProfile -ExecutionPolicy Bypass -File THIS_FILE.ps1
#
# Written by poolscope. Ctrl+C ends it and throws the recording away; nothing else does.
#requires -Version 3
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
    # Stop when a disk would have less room than this once the trace is saved: saving copies what was recorded.
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

function Get-FreeBytes([string]$Path) {
    $root = [IO.Path]::GetPathRoot([IO.Path]::GetFullPath($Path))
    # A share has no drive letter, and no DriveInfo.
    if ($root -notmatch '^[A-Za-z]:') {
        return [long]::MaxValue
    }
    $drive = New-Object IO.DriveInfo($root)
    return $drive.AvailableFreeSpace
}

# Room that is left when what was written since the start is copied once more, on the disk that has least.
function Get-RoomBytes {
    $free = Get-FreeBytes $OutFolder
    $written = [Math]::Max([long]0, $script:FreeAtStart - $free)
    return [Math]::Min($free - $written, (Get-FreeBytes $env:TEMP))
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
$script:FreeAtStart = Get-FreeBytes $OutFolder
if ((Get-RoomBytes) -lt $KeepFreeBytes) {
    throw ('The disk of {0} or of {1} has less than {2:N0} bytes free: make room, or give another -OutFolder.' -f $OutFolder, $env:TEMP, $KeepFreeBytes)
}

$profileFile = Join-Path ([IO.Path]::GetTempPath()) ('poolscope-{0}.wprp' -f $PID)
$recording = $false
try {
    Set-Content -LiteralPath $profileFile -Value $ProfileText -Encoding ASCII
    Invoke-Wpr @('-start', ($profileFile + '!{{PROFILE_NAME}}'){{FILE_MODE}})
    $recording = $true
    $watch = [Diagnostics.Stopwatch]::StartNew()
    $reason = ''
    $now = $first
    $room = [long]::MaxValue
    $missed = 0
    while (-not $reason) {
        Start-Sleep -Seconds $PollSeconds
        # A machine that runs out of pool may fail to answer; the recording goes on.
        try {
            $now = Get-PoolBytes
            $room = Get-RoomBytes
            $missed = 0
        } catch {
            $missed += 1
            Write-Host ('The machine does not answer: {0}' -f $_.Exception.Message)
        }
        $grown = $now - $first
        Write-Host ('{0}  {{POOL_NAME}} {1:N0} bytes, {2:+#,0;-#,0;0} since the start' -f (Get-Date -Format 'HH:mm:ss'), $now, $grown)
        if ($StopAtBytes -gt 0 -and $now -ge $StopAtBytes) {
            $reason = 'the pool is large enough'
        } elseif ($StopAtGrowthBytes -gt 0 -and $grown -ge $StopAtGrowthBytes) {
            $reason = 'the pool has grown enough'
        } elseif ($watch.Elapsed.TotalSeconds -ge $StopAfterSeconds) {
            $reason = 'the time is over'
        } elseif ($room -lt $KeepFreeBytes) {
            $reason = 'the disk is almost full'
        } elseif ($missed -ge 10) {
            $reason = 'the machine did not answer ten times in a row'
        }
    }
    Write-Host ('Stopping: {0}. Events lost, below, have to be 0.' -f $reason)
    & $script:Wpr -status collectors -details | Out-Host
    $trace = Join-Path $OutFolder ('{0}-{1}.etl' -f $BaseName, (Get-Date -Format 'yyyyMMdd-HHmmss'))
    Invoke-Wpr @('-stop', $trace)
    $recording = $false
    Write-Host ('Saved: {0}' -f $trace)
} catch {
    # Not after Ctrl+C. What was recorded is not thrown away because of an error.
    if ($recording) {
        $recording = $false
        Write-Host 'The trace is not saved, but the recording is still there. Make room or choose another disk, and save it with'
        Write-Host '    wpr -stop D:\leak.etl'
        Write-Host 'or throw it away with wpr -cancel.'
    }
    throw
} finally {
    if ($recording) {
        Write-Host 'Cancelling the recording.'
        # After Ctrl+C nothing can be passed on any more.
        $null = & $script:Wpr -cancel
    }
    Remove-Item -LiteralPath $profileFile -Force -ErrorAction SilentlyContinue
}
