package e2e
import ("testing";"os/exec";"time";"strings"
"github.com/pgstrata/pgstrata/test/testenv"
"github.com/pgstrata/pgstrata/frontend")
func TestExploreKill(t *testing.T){
 env:=testenv.Shared(t)
 d:=env.NewDaemon(t,0)
 g:=newGate(t)
 dir:=testenv.Tree(t,map[string]string{"Dockerfile":"base: debian:bookworm-slim\n","setup/scripts/01-a.sh":"#!/bin/bash\necho one\n","setup/scripts/02-b.sh":"#!/bin/bash\n"+g.Line})
 done:=make(chan error)
 go func(){ _,err:=d.Build(t.Context(),testenv.Request{Func:frontend.Build,Context:dir,Image:"explore:1"}); done<-err}()
 v:=g.await(t)
 ps,_:=exec.Command("sh","-c","ps -eo pid,ppid,args | grep -E 'runc|02-b' | grep -v grep").Output(); t.Log(string(ps))
 d.Kill(t)
 t.Log(<-done)
 time.Sleep(time.Second)
 ps,_=exec.Command("sh","-c","ps -eo pid,ppid,args | grep -E 'runc|02-b' | grep -v grep").Output(); t.Log(string(ps))
 s:=time.Now()
 d.Restart(t)
 t.Log("restart",time.Since(s))
 _=v
 go func(){ w:=g.await(t); w.open(t)}()
 r,err:=d.Build(t.Context(),testenv.Request{Func:frontend.Build,Context:dir,Image:"explore:1"})
 t.Log(err,r.Trace)
 ps,_=exec.Command("sh","-c","ps -eo pid,ppid,args | grep -E 'runc|02-b' | grep -v grep").Output(); t.Log(string(ps))
 _=strings.Join
}
