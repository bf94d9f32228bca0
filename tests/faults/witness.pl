# Bears witness of its own life: the time, by the clock that all machines of a lab share, every 0.1 s.
#     perl witness.pl UNIT MACHINE-ID once|often TICKS VERSION
# `once`: it must be the only process of its unit anywhere; one that finds another tells.
# TICKS: how many times 0.1 s from being asked to end to ending.
use strict;
use warnings FATAL => "all";
use Fcntl qw(:flock);

my ($unit, $machine, $copies, $left) = @ARGV;
my ($shared) = $0 =~ m{^(.*)/};    # the folder it lies in

sub uptime {
    open(my $file, "<", "/proc/uptime") or die;
    my ($seconds) = split(" ", <$file>);
    return $seconds;
}

sub note {
    my ($path, $line) = @_;
    open(my $file, ">>", $path) or die;
    syswrite($file, "$line\n");
}

my $ending = 0;
$SIG{TERM} = sub { $ending = 1 };
my $born = uptime();
open(my $lock, ">>", "$shared/$unit.lock") or die;
my $alone = $copies eq "often" || flock($lock, LOCK_EX | LOCK_NB);
note("$shared/violations", "$born $unit $machine $ENV{INVOCATION_ID}") if !$alone;
open(my $life, ">>", "$shared/$unit/$machine-$ENV{INVOCATION_ID}") or die;
syswrite($life, "$born\n");
while ($left) {
    syswrite($life, uptime() . "\n");
    select(undef, undef, undef, 0.1);
    $alone ||= flock($lock, LOCK_EX | LOCK_NB);
    $left-- if $ending;
}
