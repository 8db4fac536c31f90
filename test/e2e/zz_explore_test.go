package e2e
import ("testing";"fmt"
"github.com/moby/buildkit/client"
"github.com/pgstrata/pgstrata/test/testenv"
"github.com/pgstrata/pgstrata/frontend")
func TestExploreWedge(t *testing.T){
 env:=testenv.Shared(t)
	files := map[string]string{"Dockerfile": "base: debian:bookworm-slim\nuser: {name: postgres, uid: 999}\n", "config/a": "a\n", "entrypoint.sh": "#!/bin/sh\n"}
	for i := range 8 {
		files[fmt.Sprintf("setup/scripts/%02d.sh", i)] = fmt.Sprintf("#!/bin/sh\nset -eu\nhead -c 100000 /dev/urandom >/%d\n", i)
	}
	dir := testenv.Tree(t, files)
 for try:=0; try<20; try++ {
  d:=env.NewDaemon(t,0)
  done := make(chan bool, 1)
  request := testenv.Request{Func: frontend.Build, Context: dir, Image: "wedge:1"}
  request.Watch = func(trace *testenv.Trace) {
	n:=0
	for _,v:=range trace.Vertices { if v.Completed!=nil {n++} }
	if n>=6+try%5 { select { case done<-true: d.Kill(t); default: } }
  }
  _,err:=d.Build(t.Context(),request)
  d.Restart(t)
  request.Watch=nil
  _,err=d.Build(t.Context(),request)
  if err!=nil {
   t.Log(try,"first",err)
   for i:=range 4 { _,err=d.Build(t.Context(),request); t.Log("again",i,err) }
   t.Log("prune",d.Client.Prune(t.Context(),nil,client.PruneAll))
   _,err=d.Build(t.Context(),request); t.Log("after prune",err)
   d.Kill(t); d.Restart(t)
   _,err=d.Build(t.Context(),request); t.Log("after restart",err)
   break
  }
 }
}
