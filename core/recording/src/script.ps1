# {{DESCRIPTION}}.
#
# Unattended recording with wpr: stops when the {{POOL_NAME}} reaches a size, has grown by an amount, or after a time.
# Copy this file to the machine; it contains the profile. Run it in PowerShell as administrator:
#
#     powershell -NoProfile -ExecutionPolicy Bypass -File THIS_FILE.ps1
#
# Written by poolscope. Ctrl+C cancels the recording and discards it; no other condition discards it.
#requires -Version 3
param(
    # Folder of the trace.
    [string]$OutFolder = {{FOLDER}},
    # Beginning of the file name; date and time are appended.
    [string]$BaseName = {{BASE}},
    # Stop when the pool reaches this size in bytes; 0 for never.
    [long]$StopAtBytes = {{AT_BYTES}},
    # Stop when the pool has grown by this many bytes since the start; 0 for never.
    [long]$StopAtGrowthBytes = {{GROWTH_BYTES}},
    # Stop after this many seconds.
    [int]$StopAfterSeconds = {{SECONDS}},
    # Polling interval in seconds.
    [int]$PollSeconds = {{POLL}},
    # Stop when a disk would have less free space than this after saving: saving copies the recorded data.
    [long]$KeepFreeBytes = {{KEEP_FREE}}
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

# The profile, in a here-string that PowerShell does not expand.
$ProfileText = @'
{{PROFILE}}
'@

function Test-Elevated {
    $identity = [Security.Principal.WindowsIdentity]::GetCurrent()
    $principal = New-Object Security.Principal.WindowsPrincipal($identity)
    return $principal.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)
}

# Class and property have the same names in every language of Windows. Get-Counter requires the localized path of a counter,
# such as \Memory\Pool Nonpaged Bytes.
function Get-PoolBytes {
    $memory = Get-CimInstance -ClassName Win32_PerfRawData_PerfOS_Memory
    return [long]$memory.{{POOL}}
}

function Get-FreeBytes([string]$Path) {
    $root = [IO.Path]::GetPathRoot([IO.Path]::GetFullPath($Path))
    # A share has no drive letter and no DriveInfo.
    if ($root -notmatch '^[A-Za-z]:') {
        return [long]::MaxValue
    }
    $drive = New-Object IO.DriveInfo($root)
    return $drive.AvailableFreeSpace
}

# Free space after the recorded data is copied once more, on the disk with the least.
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
    throw 'Recording requires administrator rights: start PowerShell with "Run as administrator" and run this script again.'
}
$found = Get-Command -Name wpr.exe -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1
if (-not $found) {
    throw 'wpr.exe was not found. It is part of Windows 10 and later; on older systems install the Windows Performance Toolkit.'
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
    throw ('The {{POOL_NAME}} already has {0:N0} bytes, and the recording would stop at {1:N0}: use -StopAtGrowthBytes instead.' -f $first, $StopAtBytes)
}
$script:FreeAtStart = Get-FreeBytes $OutFolder
if ((Get-RoomBytes) -lt $KeepFreeBytes) {
    throw ('The disk of {0} or of {1} has less than {2:N0} bytes free: free disk space, or use another -OutFolder.' -f $OutFolder, $env:TEMP, $KeepFreeBytes)
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
        # A machine that runs out of pool may fail to answer; the recording continues.
        try {
            $now = Get-PoolBytes
            $room = Get-RoomBytes
            $missed = 0
        } catch {
            $missed += 1
            Write-Host ('Cannot read the counters: {0}' -f $_.Exception.Message)
        }
        $grown = $now - $first
        Write-Host ('{0}  {{POOL_NAME}} {1:N0} bytes, {2:+#,0;-#,0;0} since the start' -f (Get-Date -Format 'HH:mm:ss'), $now, $grown)
        if ($StopAtBytes -gt 0 -and $now -ge $StopAtBytes) {
            $reason = 'the pool has reached the size'
        } elseif ($StopAtGrowthBytes -gt 0 -and $grown -ge $StopAtGrowthBytes) {
            $reason = 'the pool has grown by the amount'
        } elseif ($watch.Elapsed.TotalSeconds -ge $StopAfterSeconds) {
            $reason = 'the time has elapsed'
        } elseif ($room -lt $KeepFreeBytes) {
            $reason = 'the disk is almost full'
        } elseif ($missed -ge 10) {
            $reason = 'the counters could not be read ten times in a row'
        }
    }
    Write-Host ('Stopping: {0}. Lost events, below, should be 0.' -f $reason)
    & $script:Wpr -status collectors -details | Out-Host
    $trace = Join-Path $OutFolder ('{0}-{1}.etl' -f $BaseName, (Get-Date -Format 'yyyyMMdd-HHmmss'))
    Invoke-Wpr @('-stop', $trace)
    $recording = $false
    Write-Host ('Saved: {0}' -f $trace)
} catch {
    # Not reached after Ctrl+C. An error does not discard the recording.
    if ($recording) {
        $recording = $false
        Write-Host 'The trace was not saved, but the recording is still running. Free disk space or choose another disk, and save it with'
        Write-Host '    wpr -stop D:\leak.etl'
        Write-Host 'or discard it with wpr -cancel.'
    }
    throw
} finally {
    if ($recording) {
        Write-Host 'Cancelling the recording.'
        # After Ctrl+C no output can be piped.
        $null = & $script:Wpr -cancel
    }
    Remove-Item -LiteralPath $profileFile -Force -ErrorAction SilentlyContinue
}
