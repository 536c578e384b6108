// Sends at a fixed rate, whatever the answers do, and counts every delay from the moment a request was due:
// a system that falls behind cannot slow the clock down (no coordinated omission).
//
// One journey is a survey that is submitted and then its page, read until it shows the survey. With -kind submit the
// page is left out, with -kind read the survey. Targets are the files that the bench writes: sites.tsv (site, writer's
// token, reader's token), visits.tsv or patients.tsv, survey.json. The answer is one line of JSON: the delays in
// milliseconds in the order in which they were due, how late this program itself was in sending, and its own CPU time.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

type site struct{ writer, reader string }

type target struct{ site, patient, visit string }

type report struct {
	Due      int            `json:"due"`
	DelaysMs []float64      `json:"delays_ms"`
	LateMs   []float64      `json:"late_ms"`
	Failed   map[string]int `json:"failed"`
	CPUS     float64        `json:"cpu_s"`
	LastingS float64        `json:"lasting_s"`
}

type driver struct {
	client       *http.Client
	submit, read string
	body         string
	sites        map[string]site
	prefix       string
	isPageRead   bool
	isSurveySent bool
}

func main() {
	folder := flag.String("targets", "", "folder of the targets")
	intake := flag.String("intake", "", "base URL that takes surveys")
	dashboard := flag.String("dashboard", "", "base URL that shows pages")
	kind := flag.String("kind", "journey", "journey, submit or read")
	rate := flag.Float64("rate", 1, "journeys a second")
	seconds := flag.Float64("seconds", 1, "for how long")
	patience := flag.Float64("patience", 10, "seconds after which a journey has failed")
	skip := flag.Int("skip", 0, "targets to pass over")
	prefix := flag.String("prefix", "", "prefix of the idempotency keys")
	flag.Parse()

	file := "visits.tsv"
	if *kind == "read" {
		file = "patients.tsv"
	}
	body, err := os.ReadFile(*folder + "/survey.json")
	check(err)
	sites := map[string]site{}
	for _, row := range rows(*folder + "/sites.tsv") {
		sites[row[0]] = site{writer: row[1], reader: row[2]}
	}
	var targets []target
	for _, row := range rows(*folder + "/" + file) {
		one := target{site: row[0], patient: row[1]}
		if len(row) > 2 {
			one.visit = row[2]
		}
		targets = append(targets, one)
	}
	due := int(*rate * *seconds)
	if *kind != "read" && *skip+due > len(targets) {
		check(fmt.Errorf("%d visits are needed after the first %d, and there are %d", due, *skip, len(targets)))
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 256, MaxConnsPerHost: 256}
	d := &driver{
		client: &http.Client{Transport: transport},
		submit: *intake, read: *dashboard, body: string(body), sites: sites, prefix: *prefix,
		isPageRead: *kind != "submit", isSurveySent: *kind != "read",
	}
	out := d.run(targets, *skip, due, time.Duration(float64(time.Second) / *rate), span(*patience))
	check(json.NewEncoder(os.Stdout).Encode(out))
}

// run starts journey n at begin + n*interval and waits for the last one to end.
func (d *driver) run(targets []target, skip, due int, interval, patience time.Duration) report {
	out := report{Due: due, DelaysMs: make([]float64, due), LateMs: make([]float64, due), Failed: map[string]int{}}
	var all sync.WaitGroup
	var counting sync.Mutex
	begin := time.Now().Add(100 * time.Millisecond)
	for n := 0; n < due; n++ {
		at := begin.Add(time.Duration(n) * interval)
		time.Sleep(time.Until(at))
		all.Add(1)
		go func(n int, one target) {
			defer all.Done()
			out.LateMs[n] = ms(time.Since(at))
			limit, cancel := context.WithDeadline(context.Background(), at.Add(patience))
			defer cancel()
			failure := d.journey(limit, n, one)
			out.DelaysMs[n] = ms(time.Since(at))
			if failure != "" {
				out.DelaysMs[n] = ms(patience)
				counting.Lock()
				out.Failed[failure]++
				counting.Unlock()
			}
		}(n, targets[(skip+n)%len(targets)])
	}
	all.Wait()
	out.LastingS = time.Since(begin).Seconds()
	var used syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	out.CPUS = float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
	return out
}

// journey returns why it failed, or nothing.
func (d *driver) journey(limit context.Context, n int, one target) string {
	receipt := ""
	if d.isSurveySent {
		body := strings.Replace(strings.Replace(d.body, "@PATIENT@", one.patient, 1), "@VISIT@", one.visit, 1)
		answer, content, err := d.do(limit, "POST", d.submit+"/v1/surveys", d.sites[one.site].writer, one.site, body, n)
		if err != nil {
			return "no answer to the survey"
		}
		if answer.StatusCode != 201 {
			return fmt.Sprintf("survey answered with %d", answer.StatusCode)
		}
		var accepted struct{ Receipt string }
		if json.Unmarshal(content, &accepted) != nil || accepted.Receipt == "" {
			return "no receipt"
		}
		receipt = accepted.Receipt
	}
	for d.isPageRead {
		url := d.read + "/v1/patients/" + one.patient + "/page"
		if receipt != "" {
			url += "?wait_for=" + receipt
		}
		answer, _, err := d.do(limit, "GET", url, d.sites[one.site].reader, one.site, "", n)
		if err != nil {
			return "no answer with the page"
		}
		// A patient of whom nothing has arrived yet is unknown there; one whose survey is under way is waited for again.
		hasArrived := receipt == "" || answer.Header.Get("samepage-waited") == "arrived"
		if answer.StatusCode == 200 && hasArrived {
			return ""
		}
		if answer.StatusCode != 200 && answer.StatusCode != 404 {
			return fmt.Sprintf("page answered with %d", answer.StatusCode)
		}
	}
	return ""
}

func (d *driver) do(
	limit context.Context, method, url, token, site, body string, n int,
) (*http.Response, []byte, error) {
	request, err := http.NewRequestWithContext(limit, method, url, bytes.NewReader([]byte(body)))
	check(err)
	request.Header.Set("authorization", "Bearer "+token)
	request.Header.Set("samepage-site", site)
	if body != "" {
		request.Header.Set("content-type", "application/json")
		request.Header.Set("idempotency-key", fmt.Sprintf("%s%d", d.prefix, n))
	}
	answer, err := d.client.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	return answer, content, err
}

func rows(path string) [][]string {
	content, err := os.ReadFile(path)
	check(err)
	var found [][]string
	for _, line := range strings.Split(strings.TrimSpace(string(content)), "\n") {
		found = append(found, strings.Split(line, "\t"))
	}
	return found
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func span(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
